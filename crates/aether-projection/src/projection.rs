//! The traits that users implement: a [`Projection`] turns events into views; a [`Target`] stores views in a database of the user.

use std::borrow::Cow;
use std::sync::Arc;

use aether_core::{EventFilter, Position, RecordedEvent, Source};
use aether_group::{Batch, Claim, HandleError, Handler};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use crate::projector::Telemetry;

/// A projection turns events into views. It is pure: the same events always give the same views.
///
/// ```
/// use aether_core::RecordedEvent;
/// use aether_projection::{ApplyError, Keys, Projection};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Default, Serialize, Deserialize)]
/// struct Totals {
///     orders: u64,
///     cents: u64,
/// }
///
/// struct TotalsByCustomer;
///
/// #[derive(Deserialize)]
/// struct Placed {
///     customer: String,
///     cents: u64,
/// }
///
/// impl Projection for TotalsByCustomer {
///     type View = Totals;
///
///     fn name(&self) -> &str {
///         "totals_by_customer"
///     }
///
///     fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
///         match event.data::<Placed>() {
///             Ok(placed) => Keys::one(placed.customer),
///             Err(_) => Keys::none(),
///         }
///     }
///
///     fn apply(&self, _key: &str, view: &mut Totals, event: &RecordedEvent) -> Result<(), ApplyError> {
///         view.orders += 1;
///         view.cents += event.data::<Placed>()?.cents;
///         Ok(())
///     }
/// }
/// ```
pub trait Projection: Send + Sync + 'static {
    /// The type of a view. A view that no event has changed yet is the default.
    type View: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Returns the name: fixed, since what is kept of it is found by it.
    fn name(&self) -> &str;

    /// Returns the version of the code; 1 by default. Another version makes its views from the first event, beside
    /// those of the running one: count it up whenever the same events would make other views.
    fn version(&self) -> u32 {
        1
    }

    /// Returns the filter of its events; all by default.
    fn filter(&self) -> EventFilter {
        EventFilter::all()
    }

    /// Returns the keys of the views that the event changes; by default the one with the empty key, which is all there
    /// is.
    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        let _ = event;
        Keys::one("")
    }

    /// Changes the view of this key by an event. Where several actors' events change one view, those of one actor come in
    /// their order; of different actors in any order, unless the projection runs in one partition.
    ///
    /// # Errors
    /// [`ApplyError`], and a panic as well, parks the event's actor: no view has seen the event then.
    fn apply(&self, key: &str, view: &mut Self::View, event: &RecordedEvent) -> Result<(), ApplyError>;
}

/// The keys of the views that an event changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys<'a>(SmallVec<[Cow<'a, str>; 1]>);

impl<'a> Keys<'a> {
    /// None: the event changes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One view.
    #[must_use]
    pub fn one(key: impl Into<Cow<'a, str>>) -> Self {
        Self(SmallVec::from_buf([key.into()]))
    }

    /// Several views; each is changed once, however often it is named.
    #[must_use]
    pub fn several<K: Into<Cow<'a, str>>>(keys: impl IntoIterator<Item = K>) -> Self {
        let mut found = SmallVec::<[Cow<'a, str>; 1]>::new();
        for key in keys.into_iter().map(Into::into) {
            if !found.contains(&key) {
                found.push(key);
            }
        }
        Self(found)
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &**key)
    }
}

/// The reason why an event cannot be applied. Any error becomes one by `?`.
#[derive(Debug)]
pub struct ApplyError(Source);

impl ApplyError {
    /// For a reason that is no error of somebody else.
    #[must_use]
    pub fn new(reason: impl Into<Source>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn into_source(self) -> Source {
        self.0
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for ApplyError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// The storage of views together with their checkpoints: for a database of the user's own.
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

    /// Returns the filter of its events; all by default.
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
