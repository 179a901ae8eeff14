//! The rules of an account, as the people at the board would read them.

use std::time::Duration;

use aether_testkit::{START, projection, scenario};

use crate::account::{Account, AccountError, AccountEvent};
use crate::balances::{AccountView, Balances};
use crate::commands::{
    Balance, Credit, Debit, Deposit, Freeze, Open, Refund, RequestTransfer, Unfreeze, Withdraw,
};

fn opened() -> AccountEvent {
    AccountEvent::Opened { owner: "Ada".into() }
}

fn frozen() -> AccountEvent {
    AccountEvent::Frozen { until: START + Duration::from_secs(60) }
}

#[test]
fn an_account_is_opened_once() {
    scenario::<Account>()
        .when(Open { owner: "Ada".into() })
        .then([opened()])
        .when(Open { owner: "Bob".into() })
        .then_error(AccountError::AlreadyOpen);
}

#[test]
fn nothing_goes_into_an_account_that_is_not_there() {
    scenario::<Account>().when(Deposit { cents: 1 }).then_error(AccountError::NotOpen);
    let credit = Credit { transfer: "t".into(), cents: 1 };
    scenario::<Account>().when(credit).then_error(AccountError::NotOpen);
}

#[test]
fn an_account_is_never_overdrawn() {
    let debit = |cents| Debit { transfer: "t".into(), cents };
    scenario::<Account>()
        .given([opened(), AccountEvent::Deposited { cents: 10 }])
        .when(Withdraw { cents: 11 })
        .then_error(AccountError::Overdrawn { by: 1 })
        .when(debit(12))
        .then_error(AccountError::Overdrawn { by: 2 })
        .when(Withdraw { cents: 4 })
        .then([AccountEvent::Withdrawn { cents: 4 }])
        .then_reply(&6)
        .when(debit(6))
        .then([AccountEvent::Debited { transfer: "t".into(), cents: 6 }])
        .then_answer(Balance, &0);
}

#[test]
fn a_transfer_is_requested_and_moves_nothing_yet() {
    scenario::<Account>()
        .as_actor("ada")
        .given([opened()])
        .when(RequestTransfer { to: "ada".into(), cents: 5 })
        .then_error(AccountError::SameAccount)
        .when(RequestTransfer { to: "bob".into(), cents: 5 })
        .then_answer(Balance, &0);
}

#[test]
fn a_frozen_account_takes_only_what_comes_back() {
    let (credit, refund) =
        (Credit { transfer: "t".into(), cents: 5 }, Refund { transfer: "t".into(), cents: 5 });
    scenario::<Account>()
        .given([opened(), frozen()])
        .when(Deposit { cents: 5 })
        .then_error(AccountError::Frozen)
        .when(credit)
        .then_error(AccountError::Frozen)
        .when(refund)
        .then([AccountEvent::Refunded { transfer: "t".into(), cents: 5 }]);
}

#[test]
fn a_freeze_ends_by_itself_or_by_hand() {
    scenario::<Account>()
        .given([opened()])
        .when(Freeze { seconds: 60 })
        .then([frozen()])
        .then_timer("unfreeze", START + Duration::from_secs(60), Unfreeze)
        .when(Unfreeze)
        .then([AccountEvent::Unfrozen])
        .then_cancelled("unfreeze")
        .when(Unfreeze)
        .then_nothing();
}

#[test]
fn the_view_of_an_account_is_what_happened_to_it() {
    projection(Balances)
        .given("account-ada", [opened(), AccountEvent::Deposited { cents: 7 }, frozen()])
        .given("account-ada", [AccountEvent::Refunded { transfer: "t".into(), cents: 2 }])
        .then_view("ada", &AccountView { owner: "Ada".into(), cents: 9, frozen: true })
        .then_keys(["ada"]);
}
