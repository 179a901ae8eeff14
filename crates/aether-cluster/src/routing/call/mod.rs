//! [`Call`]: the sender's side of one command or query: when to send it, to whom, and which answers to believe. Pure.
//!
//! # Which answers to believe
//! A command is sent again until it is answered, so several nodes may come to act on it, now or later. An answer that stands
//! in the log is the truth about all of them. One that stands nowhere (a refusal, or a decision that saves nothing) is only
//! the truth about its own attempt, at its moment. It is believed if no other attempt can be acted on any more:
//! * the first attempt is exclusive: one node alone may act on it, and it need not be recorded;
//! * once an attempt may have been begun and is not answered, it is *doubtful*, and stays so until it is answered. All
//!   later attempts are recorded and for whoever acts, and an answer that stands nowhere ends the call no more;
//! * an attempt that was certainly not begun does not count: NATS knew nobody to give it to, or the only node that might
//!   act on it says so itself. From another node the same words prove nothing: the right one may have begun it.
//!
//! A failure says that nothing was saved for its attempt. It ends the call under the same conditions.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::time::Duration;

use aether_actor::{ActorError, CommandId, Outcome, QueryReply, Replied};
use tokio::time::Instant;

pub(crate) use super::config::Timing;
use super::observer::Retry;
use super::wire::{Body, Reply, Versions};
use crate::Incarnation;

/// What is called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Called {
    /// A command; whether its outcome is recorded from the first attempt on.
    Command { id: CommandId, recorded: bool },
    /// A query of a caller who has seen the actor at this sequence.
    Query { seen: u64 },
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Replied(Replied),
    Told(QueryReply),
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// Send this attempt.
    Send(Attempt),
    /// An attempt is under way: wait for its answer, or about until then.
    Await(Instant),
    /// Nothing is under way that is awaited: wait until then; late answers may come.
    Pause(Instant),
    /// It is over.
    Done(Result<Answer, ActorError>),
}

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    /// The only node that may act on it.
    pub(crate) to: Option<Incarnation>,
    pub(crate) recorded: bool,
    pub(crate) left: Duration,
    pub(crate) version: u8,
}

/// An attempt that was sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    to: Option<Incarnation>,
    /// `true` if it may still be acted on, or was without our knowing.
    open: bool,
}

#[derive(Debug)]
enum Phase {
    /// The next attempt is due then.
    Pausing(Instant),
    /// The last attempt is awaited until then; it was sent when this was the owner.
    Awaiting { until: Instant, owner: Option<Incarnation> },
    /// It is over.
    Over(Option<Result<Answer, ActorError>>),
}

/// The sender's side of one command or query.
#[derive(Debug)]
pub(crate) struct Call {
    called: Called,
    deadline: Instant,
    timing: Timing,
    reads: Versions,
    version: u8,
    rng: fastrand::Rng,
    sent: Vec<Sent>,
    phase: Phase,
    /// How long the next attempt is awaited.
    timeout: Duration,
    /// How long the next pause is at most.
    pause: Duration,
    /// Who acts, by what a node has said, and the owner by the table when it said so.
    hint: Option<(Incarnation, Option<Incarnation>)>,
    /// What to say if nothing was begun until the deadline.
    last: Option<ActorError>,
    /// Why the last attempt was not the last one.
    why: Option<Retry>,
}

impl Call {
    pub(crate) fn new(
        called: Called,
        now: Instant,
        deadline: Instant,
        timing: Timing,
        reads: Versions,
        version: u8,
        seed: u64,
    ) -> Self {
        Self {
            called,
            deadline,
            timing,
            reads,
            version,
            rng: fastrand::Rng::with_seed(seed),
            sent: Vec::with_capacity(1),
            phase: Phase::Pausing(now),
            timeout: timing.attempt,
            pause: timing.pause,
            hint: None,
            last: None,
            why: None,
        }
    }

    /// Why another attempt was needed since the last time that it was asked.
    pub(crate) fn take_retry(&mut self) -> Option<Retry> {
        self.why.take()
    }

    /// What to do now, given who is the owner as far as is known.
    pub(crate) fn next(&mut self, now: Instant, owner: Option<Incarnation>) -> Action {
        loop {
            match &mut self.phase {
                Phase::Over(result) => {
                    return Action::Done(result.take().unwrap_or(Err(ActorError::Stopped)));
                }
                _ if now >= self.deadline => {
                    let given_up = self.given_up();
                    self.end(Err(given_up));
                }
                Phase::Pausing(until) if now < *until => return Action::Pause((*until).min(self.deadline)),
                Phase::Pausing(_) => return Action::Send(self.attempt(now, owner)),
                Phase::Awaiting { until, owner: before } => {
                    if owner.is_some() && owner != *before {
                        // Who was asked may never answer: its successor need not be kept waiting.
                        *before = owner;
                        *until = (*until).min(now + self.timing.moved);
                    }
                    if now < *until {
                        return Action::Await((*until).min(self.deadline));
                    }
                    self.timeout = (self.timeout * 2).min(self.timing.longest_attempt);
                    self.why = Some(Retry::TimedOut);
                    self.phase = Phase::Pausing(now);
                }
            }
        }
    }

    /// An answer to an attempt has come.
    pub(crate) fn reply(&mut self, now: Instant, number: u32, reply: Reply, owner: Option<Incarnation>) {
        let Some(sent) = self.sent.get(number as usize).copied() else { return };
        let Reply { from, recorded, sequence, body } = reply;
        match body {
            Body::Done(data) => self.replied(now, number, Outcome::Done(data), sequence, recorded),
            Body::Refused(data) => self.replied(now, number, Outcome::Refused(data), sequence, recorded),
            Body::DoneTooLarge => self.replied(now, number, Outcome::DoneTooLarge, sequence, recorded),
            Body::Told(answer) => match self.called {
                Called::Query { seen } if sequence >= seen => {
                    self.end(Ok(Answer::Told(QueryReply { answer, sequence })));
                }
                Called::Query { .. } => self.again(now, number, Retry::Inconclusive),
                Called::Command { .. } => {}
            },
            Body::Failed(failure) => self.failed(now, number, ActorError::from(failure)),
            Body::Again(hint) => {
                if let Some(hint) = hint.filter(|_| self.is_last(number)) {
                    self.hint = Some((hint, owner));
                }
                self.not_begun(now, number, sent.to == Some(from), Retry::Elsewhere);
            }
            Body::Overloaded => {
                self.last = Some(elsewhere("it has too much under way; nothing was begun", true));
                self.not_begun(now, number, sent.to == Some(from), Retry::Overloaded);
            }
            Body::Expired => self.not_begun(now, number, sent.to == Some(from), Retry::TimedOut),
            Body::Unreadable(versions) => {
                self.not_begun(now, number, sent.to == Some(from), Retry::Unreadable);
                self.speak(versions);
            }
        }
    }

    /// NATS knew nobody to give this attempt to.
    pub(crate) fn no_responders(&mut self, now: Instant, number: u32) {
        self.not_begun(now, number, true, Retry::NoResponders);
    }

    /// The connection was lost after the last attempt was sent.
    pub(crate) fn disconnected(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Awaiting { .. }) {
            self.rest(now, Retry::Disconnected);
        }
    }

    /// The last attempt could not be sent, and never will be.
    pub(crate) fn not_sent(&mut self, error: ActorError) {
        let number = self.last_number();
        self.close(number);
        let error = if self.is_doubtful() { self.given_up() } else { error };
        self.end(Err(error));
    }

    fn attempt(&mut self, now: Instant, owner: Option<Incarnation>) -> Attempt {
        let hint = self.hint.filter(|(_, before)| *before == owner).map(|(hint, _)| hint);
        // While an earlier one may be acted on, this one is for whoever acts: who was asked may be gone.
        let to = if self.is_doubtful() { None } else { hint.or(owner) };
        let recorded = match self.called {
            Called::Command { recorded, .. } => recorded || to.is_none(),
            Called::Query { .. } => false,
        };
        self.sent.push(Sent { to, open: true });
        self.phase = Phase::Awaiting { until: now + self.timeout, owner };
        let left = self.deadline.saturating_duration_since(now);
        Attempt { number: self.last_number(), to, recorded, left, version: self.version }
    }

    fn replied(&mut self, now: Instant, number: u32, outcome: Outcome, sequence: u64, recorded: bool) {
        if matches!(self.called, Called::Query { .. }) {
            return;
        }
        if recorded || self.is_conclusive(number) {
            self.end(Ok(Answer::Replied(Replied { outcome, sequence, recorded })));
            return;
        }
        if self.is_exclusive(number) {
            self.close(number);
        }
        self.again(now, number, Retry::Inconclusive);
    }

    fn failed(&mut self, now: Instant, number: u32, error: ActorError) {
        if let Called::Command { .. } = self.called {
            // That it was executed before is in the log.
            if matches!(error, ActorError::AlreadyDone { .. }) {
                self.end(Err(error));
                return;
            }
            if error.is_unknown() {
                self.again(now, number, Retry::Inconclusive);
                return;
            }
        }
        let may_pass =
            matches!(error, ActorError::Stopped | ActorError::Expired | ActorError::TimedOut { .. });
        let conclusive = match self.called {
            Called::Command { .. } => self.is_conclusive(number),
            Called::Query { .. } => self.is_last(number),
        };
        if conclusive && !may_pass {
            self.end(Err(error));
            return;
        }
        if self.is_exclusive(number) {
            self.close(number);
        }
        self.again(now, number, Retry::Inconclusive);
    }

    /// A node or NATS says that nothing was begun; whether that is certain.
    fn not_begun(&mut self, now: Instant, number: u32, certain: bool, why: Retry) {
        if certain {
            self.close(number);
        }
        self.again(now, number, why);
    }

    /// Goes on with another attempt, if this one is what is awaited.
    fn again(&mut self, now: Instant, number: u32, why: Retry) {
        if self.is_last(number) && matches!(self.phase, Phase::Awaiting { .. }) {
            self.rest(now, why);
        }
    }

    fn rest(&mut self, now: Instant, why: Retry) {
        let wait = self.pause.mul_f64(0.5 + self.rng.f64() / 2.0);
        self.pause = (self.pause * 2).min(self.timing.longest_pause);
        self.why = Some(why);
        self.phase = Phase::Pausing(now + wait);
    }

    /// Speaks a version that is read there.
    fn speak(&mut self, theirs: Versions) {
        match Versions::common([self.reads, theirs]) {
            Some(version) if version != self.version => self.version = version,
            _ if !self.is_doubtful() => {
                let (lowest, highest) = (theirs.lowest, theirs.highest);
                let message = format!(
                    "it reads the versions {lowest} to {highest} of the cluster's messages, and not version {}",
                    self.version
                );
                self.end(Err(elsewhere(&message, false)));
            }
            _ => {}
        }
    }

    fn last_number(&self) -> u32 {
        u32::try_from(self.sent.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    fn is_last(&self, number: u32) -> bool {
        number == self.last_number()
    }

    fn is_exclusive(&self, number: u32) -> bool {
        self.sent.get(number as usize).is_some_and(|sent| sent.to.is_some())
    }

    fn close(&mut self, number: u32) {
        if let Some(sent) = self.sent.get_mut(number as usize) {
            sent.open = false;
        }
    }

    /// Returns whether any attempt may still be acted on.
    fn is_doubtful(&self) -> bool {
        self.sent.iter().any(|sent| sent.open)
    }

    /// Returns whether this attempt's reply is final: it is the last attempt, for one node alone, and no other is open.
    fn is_conclusive(&self, number: u32) -> bool {
        let others = self.sent.iter().enumerate().filter(|(index, _)| *index != number as usize);
        self.is_last(number) && self.is_exclusive(number) && !others.into_iter().any(|(_, sent)| sent.open)
    }

    /// What to say if it goes on no more.
    pub(crate) fn given_up(&mut self) -> ActorError {
        match self.called {
            Called::Command { id, .. } if self.is_doubtful() => ActorError::TimedOut { id },
            Called::Query { .. } if self.is_doubtful() => ActorError::TimedOut { id: CommandId::new() },
            _ => self.last.take().unwrap_or(ActorError::Expired),
        }
    }

    fn end(&mut self, result: Result<Answer, ActorError>) {
        self.why = None;
        if !matches!(self.phase, Phase::Over(_)) {
            self.phase = Phase::Over(Some(result));
        }
    }
}

fn elsewhere(message: &str, retryable: bool) -> ActorError {
    ActorError::Elsewhere { message: message.to_owned(), unknown: false, retryable }
}
