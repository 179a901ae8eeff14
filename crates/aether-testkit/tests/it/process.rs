//! Scenarios of process managers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{Answered, Cause, ProcessContext, ProcessManager, React, ReactContext, Reaction};
use aether_testkit::{START, process};
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountError, AccountEvent, Deposit, SendMail, Withdraw, opened};

/// Moves what is deposited at `in` to another account, and gives up after a while.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Sweep {
    cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum SweepEvent {
    Begun { cents: u64 },
    Done,
    Failed { why: String },
}

const PATIENCE: Duration = Duration::from_secs(60);

impl ProcessManager for Sweep {
    const NAME: &'static str = "sweep";
    type Event = SweepEvent;
    type Sources = (Account,);
    type Sends = ((Account, Withdraw), (Account, Deposit));

    fn evolve(&mut self, event: &SweepEvent) {
        if let SweepEvent::Begun { cents } = event {
            self.cents = *cents;
        }
    }

    fn answered(&self, answer: &Answered, _: &ProcessContext) -> Reaction<Self> {
        if let Some(Ok(_)) = answer.of::<Account, Withdraw>() {
            return Reaction::nothing().send::<Account, _>("out", Deposit { cents: self.cents });
        }
        if let Some(Ok(_)) = answer.of::<Account, Deposit>() {
            return Reaction::event(SweepEvent::Done).cancel("patience");
        }
        Reaction::event(SweepEvent::Failed { why: "refused".to_owned() })
    }

    fn timed_out(&self, timer: &str, context: &ProcessContext) -> Reaction<Self> {
        let why = format!("{timer} of {}", context.key());
        Reaction::event(SweepEvent::Failed { why }).effect(SendMail { to: "ops".to_owned() })
    }
}

impl React<Account> for Sweep {
    const EVENTS: Option<&'static [&'static str]> = Some(&["Deposited", "Withdrawn"]);

    fn key(event: &AccountEvent, cause: &Cause) -> Option<String> {
        matches!(event, AccountEvent::Deposited { .. }).then(|| format!("{}-{}", cause.key(), cause.version))
    }

    fn react(&self, event: &AccountEvent, context: &ReactContext) -> Reaction<Self> {
        let AccountEvent::Deposited { cents } = event else { return Reaction::nothing() };
        Reaction::event(SweepEvent::Begun { cents: *cents })
            .send::<Account, _>(context.cause.key(), Withdraw { cents: *cents })
            .schedule("patience", PATIENCE)
    }
}

#[test]
fn a_process_goes_from_step_to_step() {
    process::<Sweep>()
        .when::<Account>("in", AccountEvent::Deposited { cents: 5 })
        .then_process("in-1")
        .then([SweepEvent::Begun { cents: 5 }])
        .then_sends::<Account, _>("in", Withdraw { cents: 5 })
        .then_timer("patience", PATIENCE)
        .when_answered::<Account, _>("in", Withdraw { cents: 5 }, Ok(0))
        .then([])
        .then_sends::<Account, _>("out", Deposit { cents: 5 })
        .when_answered::<Account, _>("out", Deposit { cents: 5 }, Ok(5))
        .then([SweepEvent::Done])
        .then_sends_nothing()
        .then_cancelled("patience")
        .then_state(|sweep| assert_eq!(sweep.cents, 5));
}

#[test]
fn a_refusal_and_a_timer_are_told() {
    process::<Sweep>()
        .given([SweepEvent::Begun { cents: 5 }])
        .when_answered::<Account, _>("in", Withdraw { cents: 5 }, Err(AccountError::NotOpen))
        .then([SweepEvent::Failed { why: "refused".to_owned() }]);
    process::<Sweep>()
        .as_process("in-9")
        .at(START + PATIENCE)
        .when_timed_out("patience")
        .then([SweepEvent::Failed { why: "patience of in-9".to_owned() }])
        .then_effect(SendMail { to: "ops".to_owned() });
}

#[test]
fn what_is_of_no_concern_is_ignored() {
    process::<Sweep>().when::<Account>("in", opened()).then_ignored();
    process::<Sweep>().when::<Account>("in", AccountEvent::Withdrawn { cents: 1 }).then_ignored();
}

#[test]
fn what_is_otherwise_is_said() {
    let deposited = || process::<Sweep>().when::<Account>("in", AccountEvent::Deposited { cents: 5 });
    let failure = |scenario: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(scenario)).unwrap_err();
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
        }
    };
    let text = failure(&|| drop(deposited().then_sends::<Account, _>("in", Withdraw { cents: 6 })));
    assert!(text.contains("neither sent nor declared") && text.contains("account-in"), "{text}");
    let text = failure(&|| drop(deposited().then([SweepEvent::Begun { cents: 6 }])));
    assert!(text.contains("other events happen") && text.contains("+"), "{text}");
    let text = failure(&|| drop(deposited().then_process("in-2")));
    assert!(text.contains("it is another process"), "{text}");
    let text = failure(&|| drop(deposited().then_sends_nothing()));
    assert!(text.contains("something is sent"), "{text}");
    let text = failure(&|| drop(deposited().then_ignored()));
    assert!(text.contains("it is not ignored"), "{text}");
    let text = failure(&|| drop(deposited().then_timer("patience", Duration::from_secs(1))));
    assert!(text.contains("there is no timer"), "{text}");
    let text = failure(&|| drop(process::<Sweep>().when::<Account>("in", opened()).then([])));
    assert!(text.contains("it is ignored"), "{text}");
    let text = failure(&|| {
        drop(deposited().when::<Account>("in", AccountEvent::Deposited { cents: 5 }).then_nothing());
    });
    assert!(text.contains("belongs to sweep-in-2, and the scenario is of sweep-in-1"), "{text}");
}
