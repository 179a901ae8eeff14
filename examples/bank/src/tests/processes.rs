//! The steps of a transfer, as the people at the board would read them.

use aether_testkit::process;

use crate::account::{Account, AccountError, AccountEvent};
use crate::commands::{Credit, Debit, Refund};
use crate::transfers::{TransferEvent, Transfers};

fn requested() -> AccountEvent {
    AccountEvent::TransferRequested { transfer: "7".into(), to: "bob".into(), cents: 5 }
}

fn started() -> TransferEvent {
    TransferEvent::Started { from: "ada".into(), to: "bob".into(), cents: 5 }
}

fn debit() -> Debit {
    Debit { transfer: "7".into(), cents: 5 }
}

fn credit() -> Credit {
    Credit { transfer: "7".into(), cents: 5 }
}

fn refund() -> Refund {
    Refund { transfer: "7".into(), cents: 5 }
}

#[test]
fn money_is_taken_and_then_given() {
    process::<Transfers>()
        .when::<Account>("ada", requested())
        .then_process("7")
        .then([started()])
        .then_sends::<Account, _>("ada", debit())
        .when_answered::<Account, _>("ada", debit(), Ok(()))
        .then([])
        .then_sends::<Account, _>("bob", credit())
        .when_answered::<Account, _>("bob", credit(), Ok(()))
        .then([TransferEvent::Completed])
        .then_sends_nothing();
}

#[test]
fn money_that_is_not_there_is_not_given() {
    process::<Transfers>()
        .when::<Account>("ada", requested())
        .then_process("7")
        .when_answered::<Account, _>("ada", debit(), Err(AccountError::Overdrawn { by: 1 }))
        .then([TransferEvent::Refused { why: "overdrawn by 1 cents".into() }])
        .then_sends_nothing();
}

#[test]
fn money_that_cannot_be_given_goes_back() {
    process::<Transfers>()
        .when::<Account>("ada", requested())
        .then_process("7")
        .when_answered::<Account, _>("ada", debit(), Ok(()))
        .then_sends::<Account, _>("bob", credit())
        .when_answered::<Account, _>("bob", credit(), Err(AccountError::Frozen))
        .then([TransferEvent::Bounced { why: "the account is frozen".into() }])
        .then_sends::<Account, _>("ada", refund())
        .when_answered::<Account, _>("ada", refund(), Ok(()))
        .then([TransferEvent::Returned])
        .then_sends_nothing();
}

#[test]
fn other_events_are_none_of_its_business() {
    let credited = AccountEvent::Credited { transfer: "7".into(), cents: 5 };
    process::<Transfers>().when::<Account>("bob", credited).then_ignored();
}
