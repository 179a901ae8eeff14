//! [`Target`]: where views are kept.

use std::sync::Arc;

use aether_core::{EventFilter, Position};
use aether_group::{Batch, Claim, HandleError, Handler};
use async_trait::async_trait;

use crate::telemetry::Telemetry;

/// Where views are kept, together with how far they have come: for a database of the user's own.
///
/// Events and checkpoint are handed over together, so that both can be committed in one transaction. What happens at a
/// crash is then decided by that transaction alone: either the events of a batch are in the views and its checkpoint
/// stands, or neither, and they come again.
///
/// # What a transaction does
/// 1. **Fence.** If the partition's row has a higher epoch than the batch, another member has the partition: roll back and
///    return [`HandleError::unavailable`].
/// 2. **Apply** the events. A batch that is [`resumed`](Batch::resumed) has events of an actor that had been parked, which
///    are older than the checkpoint. Those may come again as well: keep the last one's position by actor, and pass over
///    what is not after it. Pass over events up to that position in other batches, too.
/// 3. **Checkpoint**: write [`Batch::through`] with the epoch, unless the batch is resumed.
///
/// An error that is not the event's fault, such as a database that cannot be reached, is [`HandleError::unavailable`]: it
/// is tried again for as long as it takes. One that is, is [`HandleError::poison`] at the index of the event, and the
/// events before it must be committed.
///
/// The example `sqlite_projection` does all of it in a hundred lines.
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// The name of the projection. What the group keeps is found by it.
    fn name(&self) -> &str;

    /// Which events it is about; all by default.
    fn filter(&self) -> EventFilter {
        EventFilter::all()
    }

    /// The partition has been claimed: up to where its events are in the views. `None` if the target keeps no checkpoint
    /// of its own for it: then the group's holds. To fence a predecessor that may still be at work, write the claim's
    /// epoch in the same transaction.
    ///
    /// # Errors
    /// It is asked again, with back-off; nothing of the partition is applied until then.
    async fn checkpoint(&self, claim: &Claim) -> Result<Option<Position>, HandleError>;

    /// Applies the events of a batch, which are of one partition and in order, and keeps its checkpoint.
    ///
    /// # Errors
    /// [`HandleError`].
    ///
    /// # Cancel safety
    /// The future may be dropped half way, when the projector is.
    async fn apply(&self, batch: &Batch) -> Result<(), HandleError>;
}

/// A target as the handler of a group.
pub(crate) struct Applying {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) telemetry: Arc<Telemetry>,
}

#[async_trait]
impl Handler for Applying {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        self.telemetry.apply(&*self.target, batch).await
    }

    async fn gained(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        self.target.checkpoint(claim).await
    }
}
