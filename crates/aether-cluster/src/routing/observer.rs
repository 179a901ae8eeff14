//! [`RoutingObserver`]: who is told what becomes of remote calls.

use std::fmt;
use std::time::Duration;

/// Who is told what becomes of remote calls, to count it. On the path of every one of them: it should only count.
pub trait RoutingObserver: fmt::Debug + Send + Sync {
    /// A call is over.
    fn called(&self, _asked: Asked, _outcome: CallOutcome, _took: Duration) {}

    /// Another attempt of a call is made.
    fn retried(&self, _why: Retry) {}

    /// This node has told a sender that it has begun nothing.
    fn turned_away(&self, _why: TurnedAway) {}

    /// This node has sent a request on to a shard's new owner.
    fn forwarded(&self, _requests: usize) {}
}

/// Nobody counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl RoutingObserver for Unobserved {}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A command.
    Command,
    /// A query.
    Query,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// It was answered; refusals are answers.
    Answered,
    /// It may have been executed.
    Unknown,
    /// It has failed; nothing was saved for it.
    Failed,
}

/// Why another attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nobody listened.
    NoResponders,
    /// No answer came in time.
    TimedOut,
    /// The connection was lost.
    Disconnected,
    /// Another node acts for the actor.
    Elsewhere,
    /// Too much was under way.
    Overloaded,
    /// It could not be read.
    Unreadable,
    /// An answer that proves nothing, or a failure that may pass.
    Inconclusive,
}

/// Why a node has begun nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnedAway {
    /// It does not act for the actor.
    Elsewhere,
    /// Too much is under way.
    Overloaded,
    /// No time was left.
    Expired,
    /// It could not read it.
    Unreadable,
    /// It does not hear itself, so it does not know whether it is still the owner.
    Deaf,
}
