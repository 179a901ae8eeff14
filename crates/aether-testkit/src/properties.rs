//! Properties: what holds for an actor whatever the commands that come.
//!
//! They take a script, which is a list of [`step`]s; let proptest write it:
//!
//! ```
//! use aether_testkit::properties::{self, Step, step};
//! use proptest::prelude::*;
//! # use aether_actor::{Actor, Command, CommandContext, Decision, Handle, Never, event::DomainEvent};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
//! # enum AccountEvent { Deposited { cents: u64 } }
//! # #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
//! # struct Account { cents: u64 }
//! # #[derive(Debug, Serialize, Deserialize, Command)]
//! # struct Deposit { cents: u64 }
//! # #[derive(Debug, Serialize, Deserialize, Command)]
//! # struct Halve;
//! # impl Actor for Account {
//! #     const CATEGORY: &'static str = "account";
//! #     type Event = AccountEvent;
//! #     type Error = Never;
//! #     type Commands = (Deposit, Halve);
//! #     type Queries = ();
//! #     fn evolve(&mut self, AccountEvent::Deposited { cents }: &AccountEvent) { self.cents += cents; }
//! # }
//! # impl Handle<Deposit> for Account {
//! #     type Reply = ();
//! #     fn decide(&self, it: &Deposit, _: &CommandContext) -> Result<Decision<Self>, Never> {
//! #         Ok(Decision::event(AccountEvent::Deposited { cents: it.cents }))
//! #     }
//! # }
//! # impl Handle<Halve> for Account {
//! #     type Reply = ();
//! #     fn decide(&self, _: &Halve, _: &CommandContext) -> Result<Decision<Self>, Never> { Ok(Decision::nothing()) }
//! # }
//!
//! fn steps() -> impl Strategy<Value = Vec<Step<Account>>> {
//!     let one = prop_oneof![
//!         (1..1000u64).prop_map(|cents| step(Deposit { cents })),
//!         Just(Halve).prop_map(step),
//!     ];
//!     prop::collection::vec(one, 0..50)
//! }
//! # impl Clone for Halve { fn clone(&self) -> Self { Halve } }
//!
//! proptest! {
//! #   #![proptest_config(ProptestConfig::with_cases(8))]
//!     # /*
//!     #[test]
//!     # */
//!     fn a_log_is_the_whole_truth(steps in steps()) {
//!         properties::replay_equals_live(steps.clone());
//!         properties::snapshots_equal_replay(steps);
//!     }
//! }
//! # a_log_is_the_whole_truth();
//! ```

use std::fmt;
use std::time::Duration;

use aether_actor::{Actor, Command, CommandContext, CommandId, Handle};
use serde_json::Value;

use super::compare;
use super::history::History;

/// The time that passes between two steps.
const TICK: Duration = Duration::from_secs(1);

/// A command that comes to an actor of this type, whatever the type of the command.
pub struct Step<A: Actor> {
    name: &'static str,
    json: String,
    decide: fn(&A, &str, &CommandContext) -> Vec<A::Event>,
}

/// This command comes. If it is refused, nothing happens.
///
/// # Panics
/// If the command cannot be written as JSON.
#[must_use]
#[track_caller]
pub fn step<A: Handle<C>, C: Command>(command: C) -> Step<A> {
    let decide = |state: &A, json: &str, context: &CommandContext| {
        let command: C = compare::read(C::NAME, json);
        match state.decide(&command, context) {
            Ok(decision) => decision.into_events().into_iter().collect(),
            Err(_) => Vec::new(),
        }
    };
    Step { name: C::NAME, json: compare::json(C::NAME, &command), decide }
}

impl<A: Actor> Clone for Step<A> {
    fn clone(&self) -> Self {
        Self { name: self.name, json: self.json.clone(), decide: self.decide }
    }
}

impl<A: Actor> fmt::Debug for Step<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.json)
    }
}

/// The state that an actor has come to while it decided is, after each step, the one that its stored events make; and each
/// event comes back from the store as it was.
///
/// # Panics
/// If it is not so; with the step after which it was not.
#[track_caller]
pub fn replay_equals_live<A>(steps: impl IntoIterator<Item = Step<A>>)
where
    A: Actor + PartialEq + fmt::Debug,
    A::Event: PartialEq + fmt::Debug,
{
    let mut live = A::default();
    let mut replayed = History::<A, A::Event>::of_actor("1");
    for (index, step) in steps.into_iter().enumerate() {
        for event in decide(&step, &live, &mut replayed) {
            live.evolve(&event);
            replayed.add(&event);
        }
        compare::assert_same(
            &format!("after step {index}, {step:?}, the state from the log is not the one in memory"),
            live == replayed.state,
            &live,
            &replayed.state,
        );
    }
}

/// With snapshots at any frequency, from one after each event to none, the state is the one that all events make. A
/// snapshot is the state as serde writes and reads it.
///
/// # Panics
/// If it is not so; with how often snapshots were taken.
#[track_caller]
pub fn snapshots_equal_replay<A>(steps: impl IntoIterator<Item = Step<A>>)
where
    A: Actor + PartialEq + fmt::Debug,
    A::Event: PartialEq + fmt::Debug,
{
    let mut log = History::<A, A::Event>::of_actor("1");
    for step in steps {
        let state = log.state.clone();
        decide(&step, &state, &mut log).iter().for_each(|event| log.add(event));
    }
    for every in 1..=log.stored.len() {
        let mut state = A::default();
        for (index, event) in log.stored.iter().enumerate() {
            match aether_event::decode::<A::Event>(event) {
                Ok(aether_event::Decoded::Known(events)) => {
                    events.iter().for_each(|event| state.evolve(event))
                }
                other => panic!("an event that was read once cannot be read again: {other:?}"),
            }
            if (index + 1) % every == 0 {
                state = snapshot(&state);
            }
        }
        compare::assert_same(
            &format!("with a snapshot every {every} events the state is not the one that the events make"),
            state == log.state,
            &log.state,
            &state,
        );
    }
}

/// The state as it comes back from a snapshot.
#[track_caller]
fn snapshot<A: Actor>(state: &A) -> A {
    // As the runtime does it: through a value, since an older one may have to be upcast.
    let value: Value = compare::read("the state", &compare::json("the state", state));
    compare::read("the state", &value.to_string())
}

fn decide<A: Actor>(step: &Step<A>, state: &A, log: &mut History<A, A::Event>) -> Vec<A::Event> {
    let id = CommandId::from_key(&format!("{}.{}", log.actor, log.now));
    let context = CommandContext::new(log.actor.clone(), id, log.version(), log.now);
    log.now += TICK;
    (step.decide)(state, &step.json, &context)
}
