//! Scenarios of projections.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aether_actor::event::{UnknownEvents, decode_with, types};
use aether_core::{EventFilter, RecordedEvent};
use aether_projection::{ApplyError, Keys, Projection};
use aether_testkit::projection;
use serde_json::json;

use crate::account::{AccountEvent, opened};

/// What there is on each account.
struct Balances;

impl Projection for Balances {
    type View = u64;

    fn name(&self) -> &str {
        "balances"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("account").types(types::<AccountEvent>())
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        Keys::one(event.actor().key().unwrap_or_default())
    }

    fn apply(&self, _: &str, view: &mut u64, event: &RecordedEvent) -> Result<(), ApplyError> {
        for event in decode_with::<AccountEvent>(event, UnknownEvents::Fail)? {
            match event {
                AccountEvent::Deposited { cents } => *view += cents,
                AccountEvent::Withdrawn { cents } => {
                    *view = view.checked_sub(cents).ok_or_else(|| ApplyError::new("below zero"))?;
                }
                AccountEvent::Opened { .. } | AccountEvent::Remarked { .. } => {}
            }
        }
        Ok(())
    }
}

#[test]
fn views_are_what_the_events_make_them() {
    projection(Balances)
        .given("account-ada", [opened(), AccountEvent::Deposited { cents: 5 }])
        .given("account-bob", [AccountEvent::Deposited { cents: 3 }])
        .given_stored("account-ada", "Deposited", json!({"units": 1}))
        .given("order-1", [AccountEvent::Deposited { cents: 7 }])
        .then_view("ada", &105)
        .then_view("bob", &3)
        .then_view("eve", &0)
        .then_keys(["bob", "ada"]);
}

#[test]
fn another_view_and_an_event_that_cannot_be_applied_fail() {
    let failure =
        |scenario: fn()| *catch_unwind(AssertUnwindSafe(scenario)).unwrap_err().downcast::<String>().unwrap();
    let text = failure(|| drop(projection(Balances).given("account-ada", [opened()]).then_view("ada", &1)));
    assert!(text.contains("the view \"ada\" is another one"), "{text}");
    let text = failure(|| drop(projection(Balances).given("account-ada", [opened()]).then_keys([])));
    assert!(text.contains("there are other views"), "{text}");
    let text = failure(|| {
        drop(projection(Balances).given("account-ada", [AccountEvent::Withdrawn { cents: 1 }]));
    });
    assert!(text.contains("Withdrawn cannot be applied") && text.contains("below zero"), "{text}");
}
