//! Properties hold for an account that is right, and are found broken where it is wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aether_testkit::properties::{Step, replay_equals_live, snapshots_equal_replay, step};
use proptest::prelude::*;

use crate::account::{Account, Deposit, Open, Remark, Withdraw};

fn steps() -> impl Strategy<Value = Vec<Step<Account>>> {
    let one = prop_oneof![
        "[a-z]{1,4}".prop_map(|owner| step(Open { owner })),
        (0..1000u64).prop_map(|cents| step(Deposit { cents })),
        (0..1000u64).prop_map(|cents| step(Withdraw { cents })),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn a_log_is_the_whole_truth(steps in steps()) {
        replay_equals_live(steps);
    }

    #[test]
    fn snapshots_change_nothing(steps in steps()) {
        snapshots_equal_replay(steps);
    }
}

fn failure(property: impl FnOnce()) -> String {
    *catch_unwind(AssertUnwindSafe(property)).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn an_event_that_loses_something_is_found() {
    let text =
        failure(|| replay_equals_live::<Account>([step(Remark { draft: 0 }), step(Remark { draft: 1 })]));
    assert!(text.contains("Remarked does not come back as it was"), "{text}");
}

#[test]
fn a_state_that_loses_something_in_a_snapshot_is_found() {
    let text = failure(|| snapshots_equal_replay::<lossy::Lossy>([step(lossy::Count), step(lossy::Count)]));
    assert!(text.contains("with a snapshot every 1 events"), "{text}");
}

mod lossy {
    //! An actor whose snapshots are not whole.

    use aether_actor::event::DomainEvent;
    use aether_actor::{Actor, Command, CommandContext, Decision, Handle, Never};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
    pub(crate) enum LossyEvent {
        Counted,
    }

    #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
    pub(crate) struct Lossy {
        #[serde(skip)]
        count: u32,
    }

    #[derive(Debug, Serialize, Deserialize, Command)]
    pub(crate) struct Count;

    impl Actor for Lossy {
        const CATEGORY: &'static str = "lossy";
        type Event = LossyEvent;
        type Error = Never;
        type Commands = (Count,);
        type Queries = ();

        fn evolve(&mut self, _: &LossyEvent) {
            self.count += 1;
        }
    }

    impl Handle<Count> for Lossy {
        type Reply = ();

        fn decide(&self, _: &Count, _: &CommandContext) -> Result<Decision<Self>, Never> {
            Ok(Decision::event(LossyEvent::Counted))
        }
    }
}

#[test]
fn a_step_says_what_it_is() {
    assert_eq!(format!("{:?}", step::<Account, _>(Deposit { cents: 5 })), r#"Deposit {"cents":5}"#);
}
