//! [`Call`]: a stand-in.

use std::time::Duration;

use super::wire::{Answer, Outcome};
use crate::Incarnation;

#[derive(Debug)]
pub(super) struct Call {
    attempt: u32,
    query: bool,
    must_record: bool,
    /// Whether an earlier attempt may have been begun.
    doubt: bool,
    to: Option<Incarnation>,
    open: bool,
    again: u32,
    deadline: Duration,
    due: Duration,
    pub(super) timeouts: u32,
}

#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Send { attempt: u32, to: Option<Incarnation>, recorded: bool, left: Duration },
    Wait(Duration),
    TimedOut,
}

#[derive(Debug, PartialEq)]
pub(super) enum End {
    Answered { outcome: Outcome, sequence: u64, recorded: bool },
    Failed,
}

const ATTEMPT: Duration = Duration::from_secs(2);

impl Call {
    pub(super) fn new(query: bool, must_record: bool, deadline: Duration, now: Duration) -> Self {
        Self {
            attempt: 0,
            query,
            must_record,
            doubt: false,
            to: None,
            open: false,
            again: 0,
            deadline,
            due: now,
            timeouts: 0,
        }
    }

    pub(super) fn turn(&mut self, owner: Option<Incarnation>, now: Duration) -> Step {
        if now >= self.deadline {
            return Step::TimedOut;
        }
        if now < self.due {
            return Step::Wait(self.due.min(self.deadline));
        }
        if self.open {
            self.timeouts += 1;
            self.doubt = true;
        }
        self.attempt += 1;
        self.open = true;
        self.due = now + ATTEMPT;
        let exclusive = !self.must_record && !self.doubt;
        self.to = owner.filter(|_| exclusive || self.query);
        Step::Send {
            attempt: self.attempt,
            to: self.to,
            recorded: self.to.is_none(),
            left: self.deadline - now,
        }
    }

    fn later(&mut self, now: Duration) {
        self.open = false;
        self.again += 1;
        self.due = now + Duration::from_millis(2 << self.again.min(6));
    }

    pub(super) fn no_responders(&mut self, attempt: u32, now: Duration) {
        if attempt == self.attempt && self.open {
            self.later(now);
        }
    }

    pub(super) fn replied(
        &mut self,
        attempt: u32,
        from: Option<Incarnation>,
        answer: Answer,
        now: Duration,
    ) -> Option<End> {
        let is_last = attempt == self.attempt;
        match answer {
            Answer::Outcome { outcome, sequence, recorded } => {
                let believed = recorded || self.query || is_last;
                believed.then_some(End::Answered { outcome, sequence, recorded })
            }
            Answer::Again(_) | Answer::Overloaded => {
                if is_last && self.open {
                    self.doubt |= self.to.is_none() || self.to != from;
                    self.later(now);
                }
                None
            }
            Answer::Failed => {
                if is_last && !self.doubt && self.to.is_some() && self.to == from {
                    return Some(End::Failed);
                }
                if is_last && self.open {
                    self.doubt = true;
                    self.later(now);
                }
                None
            }
        }
    }
}
