//! What is right passes.

use std::time::Duration;

use aether_actor::event::UnknownEvents;
use aether_testkit::{START, scenario};
use serde_json::json;

use crate::account::{
    Account, AccountError, AccountEvent, Balance, Deposit, Open, SendMail, Withdraw, opened,
};

#[test]
fn events_and_the_reply_are_compared() {
    scenario::<Account>()
        .given([opened(), AccountEvent::Deposited { cents: 12 }])
        .when(Withdraw { cents: 5 })
        .then([AccountEvent::Withdrawn { cents: 5 }])
        .then_reply(&7)
        .then_state(|account| assert_eq!(account.cents, 7))
        .then_answer(Balance, &7);
}

#[test]
fn a_refusal_is_compared_and_changes_nothing() {
    scenario::<Account>()
        .when(Withdraw { cents: 5 })
        .then_error(AccountError::NotOpen)
        .then_state(|account| assert_eq!(*account, Account::default()));
}

#[test]
fn one_command_can_follow_another() {
    scenario::<Account>()
        .given([opened()])
        .when(Deposit { cents: 5 })
        .then([AccountEvent::Deposited { cents: 5 }])
        .then_cancelled("review")
        .when(Withdraw { cents: 6 })
        .then_error(AccountError::Overdrawn { by: 1 })
        .when(Withdraw { cents: 5 })
        .then_reply(&0);
}

#[test]
fn effects_timers_and_the_actor_are_known() {
    scenario::<Account>()
        .as_actor("ada")
        .when(Open { owner: "ada".to_owned() })
        .then([opened()])
        .then_reply(&"account-ada".to_owned())
        .then_effect(SendMail { to: "ada".to_owned() })
        .then_timer("review", Duration::from_secs(60), Deposit { cents: 1 })
        .then_timer("review", START + Duration::from_secs(60), Deposit { cents: 1 });
}

#[test]
fn a_timer_goes_by_the_time_of_the_scenario() {
    let noon = START + Duration::from_secs(12 * 3600);
    scenario::<Account>().at(noon).when(Open { owner: "ada".to_owned() }).then_timer(
        "review",
        noon + Duration::from_secs(60),
        Deposit { cents: 1 },
    );
}

#[test]
fn nothing_is_nothing() {
    scenario::<Account>().when(Deposit { cents: 0 }).then_nothing().then_reply(&0);
}

#[test]
fn old_events_are_upcast() {
    scenario::<Account>()
        .given([opened()])
        .given_stored("Deposited", json!({"units": 3}))
        .then_answer(Balance, &300)
        .then_state(|account| assert_eq!(account.cents, 300))
        .when(Withdraw { cents: 299 })
        .then_reply(&1);
}

#[test]
fn unknown_events_are_passed_over_if_that_is_said() {
    scenario::<Account>()
        .unknown_events(UnknownEvents::Skip)
        .given_stored("Audited", json!({"by": "bob"}))
        .then_answer(Balance, &0);
}
