//! [`RoutingObserver`]: receives the outcome of remote calls; [`Counting`] turns them into metrics.

use std::fmt;
use std::time::Duration;

use aether_telemetry::metrics::{ClusterMetrics, RemoteEnded};

/// An observer of remote calls, for counting. On the path of every one of them: it should only count.
pub(crate) trait RoutingObserver: fmt::Debug + Send + Sync {
    /// A call is over.
    fn called(&self, _asked: Asked, _outcome: CallOutcome, _took: Duration) {}

    /// Another attempt of a call is made.
    fn retried(&self, _why: Retry) {}

    /// This node has told a sender that it has begun nothing.
    fn turned_away(&self, _why: TurnedAway) {}

    /// This node has sent a request on to a shard's new owner.
    fn forwarded(&self, _requests: usize) {}
}

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    /// A command.
    Command,
    /// A query.
    Query,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CallOutcome {
    /// The call was answered; refusals are answers.
    Answered,
    /// The command may have been executed.
    Unknown,
    /// The call has failed; nothing was saved for it.
    Failed,
}

/// The reason for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Retry {
    /// No node listened.
    NoResponders,
    /// No answer came in time.
    TimedOut,
    /// The connection was lost.
    Disconnected,
    /// Another node acts for the actor.
    Elsewhere,
    /// Too much was under way.
    Overloaded,
    /// The message could not be read.
    Unreadable,
    /// An answer that proves nothing, or a failure that may pass.
    Inconclusive,
}

/// The reason why a node has begun nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TurnedAway {
    /// The node does not act for the actor.
    Elsewhere,
    /// Too much is under way.
    Overloaded,
    /// No time was left.
    Expired,
    /// The node could not read the message.
    Unreadable,
    /// The node does not hear itself, so it does not know whether it is still the owner.
    Deaf,
}

/// Counts what travels between nodes.
#[derive(Debug)]
pub(crate) struct Counting(ClusterMetrics);

impl Counting {
    pub(crate) fn new(namespace: Option<&str>, cluster: &str) -> Self {
        Self(ClusterMetrics::new(namespace, cluster))
    }
}

impl RoutingObserver for Counting {
    fn called(&self, _: Asked, outcome: CallOutcome, took: Duration) {
        self.0.asked(
            took,
            match outcome {
                CallOutcome::Answered => RemoteEnded::Answered,
                CallOutcome::Unknown => RemoteEnded::TimedOut,
                CallOutcome::Failed => RemoteEnded::Failed,
            },
        );
    }

    fn retried(&self, _: Retry) {
        self.0.retried();
    }

    fn turned_away(&self, why: TurnedAway) {
        self.0.not_begun(match why {
            TurnedAway::Elsewhere => "elsewhere",
            TurnedAway::Overloaded => "overloaded",
            TurnedAway::Expired => "expired",
            TurnedAway::Unreadable => "unreadable",
            TurnedAway::Deaf => "cut_off",
        });
    }
}
