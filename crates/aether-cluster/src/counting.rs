//! [`Counting`]: counts what travels between nodes.

use std::time::Duration;

use aether_telemetry::metrics::{ClusterMetrics, RemoteEnded};

use crate::routing::{Asked, CallOutcome, Retry, RoutingObserver, TurnedAway};

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
