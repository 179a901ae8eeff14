//! The two projections of the campaign, and what a fresh replay makes of the same events.

use std::collections::HashMap;

use aether_core::RecordedEvent;
use aether_projection::{ApplyError, Keys, Projection};
use serde::{Deserialize, Serialize};

use crate::report::Report;

/// How many events a view has seen, and which ones in which order: a skipped, repeated or overtaken event makes another
/// chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    events: u64,
    last: u64,
}

impl Chain {
    fn add(&mut self, event: &RecordedEvent) {
        let id = event.id().as_u128();
        self.events += 1;
        self.last = (self.last ^ (id as u64) ^ ((id >> 64) as u64))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }
}

/// One chain for each actor.
#[derive(Debug)]
pub(crate) struct ByActor;

impl Projection for ByActor {
    type View = Chain;

    fn name(&self) -> &str {
        "by_actor"
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        Keys::one(event.event.actor().as_str())
    }

    fn apply(&self, _actor: &str, chain: &mut Chain, event: &RecordedEvent) -> Result<(), ApplyError> {
        chain.add(event);
        Ok(())
    }
}

/// One chain of all events.
#[derive(Debug)]
pub(crate) struct Whole;

impl Projection for Whole {
    type View = Chain;

    fn name(&self) -> &str {
        "whole"
    }

    fn apply(&self, _key: &str, chain: &mut Chain, event: &RecordedEvent) -> Result<(), ApplyError> {
        chain.add(event);
        Ok(())
    }
}

/// What a fresh replay makes of the events.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    whole: Chain,
    by_actor: HashMap<String, Chain>,
}

impl Replay {
    pub(crate) fn of(stored: &[RecordedEvent]) -> Self {
        let mut replay = Self::default();
        for event in stored {
            replay.whole.add(event);
            replay.by_actor.entry(event.actor().as_str().to_owned()).or_default().add(event);
        }
        replay
    }

    /// Holds the views of the projections against it.
    pub(crate) fn audit(
        &self,
        scenario: &'static str,
        whole: Chain,
        by_actor: Vec<(String, Chain)>,
        report: &mut Report,
    ) {
        report.count(scenario, "views in keys, one for each actor", by_actor.len() as u64);
        let by_actor: HashMap<String, Chain> = by_actor.into_iter().collect();
        let differing =
            self.by_actor.iter().filter(|(actor, chain)| by_actor.get(*actor) != Some(chain)).count();
        let strangers = by_actor.keys().filter(|actor| !self.by_actor.contains_key(*actor)).count();
        report.never(
            scenario,
            "views in keys that differ from a fresh replay",
            (differing + strangers) as u64,
        );
        report.never(
            scenario,
            "views in memory that differ from a fresh replay",
            u64::from(whole != self.whole),
        );
    }
}
