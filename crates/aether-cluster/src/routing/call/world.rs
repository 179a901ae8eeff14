//! Calls in a world where messages are lost, late and doubled, and several nodes believe that they are the owner: whatever
//! a call says in the end is true.

use std::time::Duration;

use aether_actor::{ActorError, CommandId, Failure, Outcome};
use bytes::Bytes;
use proptest::prelude::*;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;

const NODES: u128 = 3;

fn node(number: u128) -> Incarnation {
    Uuid::from_u128(number).into()
}

/// What is in the log of the command.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Log {
    Nothing,
    Done,
    Refused,
}

/// A message that a node has not acted on yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    attempt: Attempt,
    at: Incarnation,
}

struct World {
    rng: fastrand::Rng,
    log: Log,
    pending: Vec<Pending>,
    replies: Vec<(u32, Reply)>,
    executions: u32,
}

impl World {
    /// A node takes a message from its backlog and acts on it, or not.
    fn act(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let Pending { attempt, at } = self.pending.swap_remove(self.rng.usize(..self.pending.len()));
        let mine = attempt.to.is_none_or(|to| to == at);
        let (recorded, body) = match self.rng.u8(..10) {
            // A message that nobody sees.
            0 => return,
            1 => (false, Body::Again(None)),
            2 => (false, Body::Overloaded),
            _ if !mine => (false, Body::Again(Some(at))),
            3 => (false, Body::Failed(Failure::from(&ActorError::Panicked { message: String::new() }))),
            4 => {
                // It may have been saved.
                if self.rng.bool() {
                    self.execute();
                }
                let unknown = ActorError::TimedOut { id: CommandId::new() };
                (false, Body::Failed(Failure::from(&unknown)))
            }
            _ => self.decide(attempt.recorded),
        };
        if self.rng.u8(..4) > 0 {
            self.replies.push((attempt.number, Reply { from: at, recorded, sequence: 1, body }));
        }
    }

    fn decide(&mut self, recorded: bool) -> (bool, Body) {
        let data = Bytes::from_static(b"1");
        match self.log {
            Log::Done => (true, Body::Done(data)),
            Log::Refused => (true, Body::Refused(data)),
            Log::Nothing if self.rng.bool() => {
                self.execute();
                (true, Body::Done(data))
            }
            Log::Nothing if recorded => {
                self.log = Log::Refused;
                (true, Body::Refused(data))
            }
            Log::Nothing => (false, Body::Refused(data)),
        }
    }

    fn execute(&mut self) {
        if self.log == Log::Nothing {
            self.log = Log::Done;
            self.executions += 1;
        }
    }
}

/// Runs one call to its end, and then lets everything happen that still can.
fn run(seed: u64) -> (Result<Answer, ActorError>, Log) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut now = Instant::now();
    let id = CommandId::new();
    let called = Called::Command { id, recorded: rng.u8(..4) == 0 };
    let deadline = now + Duration::from_secs(1 + rng.u64(..20));
    let timing = Timing::default();
    let mut call = Call::new(called, now, deadline, timing, Versions::OURS, 1, seed);
    let mut world =
        World { rng: rng.fork(), log: Log::Nothing, pending: Vec::new(), replies: Vec::new(), executions: 0 };
    let result = loop {
        let owner = (rng.u8(..5) > 0).then(|| node(rng.u128(..NODES)));
        match call.next(now, owner) {
            Action::Done(result) => break result,
            Action::Send(attempt) => {
                let mut delivered = false;
                for at in 0..NODES {
                    if rng.bool() {
                        delivered = true;
                        world.pending.push(Pending { attempt, at: node(at) });
                    }
                }
                if !delivered && rng.bool() {
                    call.no_responders(now, attempt.number);
                }
            }
            Action::Await(until) | Action::Pause(until) => match rng.u8(..6) {
                0 => now = until,
                1 => now += Duration::from_millis(rng.u64(..50)),
                2 if !world.replies.is_empty() => {
                    let (number, reply) = world.replies.swap_remove(rng.usize(..world.replies.len()));
                    call.reply(now, number, reply, owner);
                }
                3 if rng.u8(..10) == 0 => call.disconnected(now),
                _ => world.act(),
            },
        }
    };
    while !world.pending.is_empty() {
        world.act();
    }
    assert!(world.executions <= 1);
    (result, world.log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_a_call_says_stays_true(seed in any::<u64>()) {
        let (result, log) = run(seed);
        match result {
            Ok(Answer::Replied(Replied { outcome: Outcome::Refused(_), .. })) => {
                prop_assert_ne!(log, Log::Done, "refused, and executed");
            }
            Ok(Answer::Replied(_)) => prop_assert_eq!(log, Log::Done, "done, and not executed"),
            Ok(Answer::Told(_)) => prop_assert!(false, "a command is not told anything"),
            Err(error) if error.is_unknown() => {}
            Err(error) => prop_assert_eq!(log, Log::Nothing, "{}", error),
        }
    }
}

#[test]
fn most_calls_are_answered() {
    let answered = (0..2000).filter(|seed| run(*seed).0.is_ok()).count();
    assert!(answered > 1000, "{answered} of 2000");
}
