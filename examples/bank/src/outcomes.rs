//! [`Outcomes`]: how transfers end.

use aether::event::{UnknownEvents, decode_with};
use aether::projection::{ApplyError, Projection};
use aether::{EventFilter, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::transfers::TransferEvent;

/// One view of all transfers.
#[derive(Debug)]
pub(crate) struct Outcomes;

/// How many transfers there were, and how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) refused: u64,
    pub(crate) returned: u64,
}

impl Counts {
    /// How many have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.completed + self.refused + self.returned
    }
}

impl Projection for Outcomes {
    type View = Counts;

    fn name(&self) -> &str {
        "outcomes"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("transfers")
    }

    fn apply(&self, _: &str, view: &mut Counts, event: &RecordedEvent) -> Result<(), ApplyError> {
        // What a transfer has sent and was answered is in its log, too, and no business of this view.
        for event in decode_with::<TransferEvent>(event, UnknownEvents::Skip)? {
            match event {
                TransferEvent::Started { .. } => view.started += 1,
                TransferEvent::Completed => view.completed += 1,
                TransferEvent::Refused { .. } => view.refused += 1,
                TransferEvent::Bounced { .. } => {}
                TransferEvent::Returned => view.returned += 1,
            }
        }
        Ok(())
    }
}
