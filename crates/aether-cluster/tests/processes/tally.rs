//! The projection: how often each event of the orders was applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use aether_core::{EventFilter, RecordedEvent};
use aether_projection::{ApplyError, Keys, Projection};
use uuid::Uuid;

use crate::witness::Witness;

/// How often each event of the orders was applied: a view for each of those who place them.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) node: String,
    pub(crate) witness: Arc<Witness>,
}

impl Projection for Tally {
    type View = BTreeMap<Uuid, u32>;

    fn name(&self) -> &str {
        "tally"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("order")
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        let placer = event.actor().key().and_then(|key| key.split_once('-'));
        placer.map_or(Keys::none(), |(placer, _)| Keys::one(placer))
    }

    fn apply(
        &self,
        _key: &str,
        tally: &mut BTreeMap<Uuid, u32>,
        event: &RecordedEvent,
    ) -> Result<(), ApplyError> {
        self.witness.applied(&self.node);
        *tally.entry(event.id()).or_default() += 1;
        Ok(())
    }
}
