//! [`Subscribe`]: the events of a store as they come, from any position on.

use async_trait::async_trait;
use futures_core::stream::BoxStream;

use crate::{EventFilter, EventStore, Position, ReadError, RecordedEvent};

/// A stream of deliveries, in order. Dropping it ends the subscription and frees its resources on the server.
pub type Subscription = BoxStream<'static, Result<Delivery, ReadError>>;

/// A store whose events can be followed.
///
/// # The contract
/// - **Exactly the saved events** that match the filter, after the place where it began: none skipped, none twice, none
///   out of order; whatever server restarts, and however slowly it is read.
/// - **In the order of positions.** The events of one commit, also of one over several actors, come together, but for
///   those that do not match. No event of a commit comes before the whole commit stands.
/// - **Positions go by.** Every position that a save has reported, of whatever events, is delivered or
///   [passed](Delivery::Passed), mostly within a second: whoever waits for one will see it go by.
/// - **Outages are waited out.** A store that cannot be reached delays a subscription and does not end it. It ends with
///   an error that waiting cannot mend, such as [`ReadError::PositionExpired`]; without one it has no end.
/// - **Back-pressure.** A subscription that is not read holds a bounded amount of memory.
///
/// # Cancel safety
/// Waiting for the next delivery can be given up at any time; nothing is lost by it.
#[async_trait]
pub trait Subscribe: EventStore {
    /// Follows the store's events. When this returns, the place where it begins is settled: an event that is saved after
    /// that is delivered.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::PositionExpired`] if events after the position are gone.
    async fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError>;
}

/// The options of a subscription: where it begins, and which events it delivers.
///
/// ```
/// use aether_core::{EventFilter, SubscribeFrom, SubscribeOptions};
///
/// let everything = SubscribeOptions::default();
/// let new_orders = SubscribeOptions::from(SubscribeFrom::Now).filter(EventFilter::category("order"));
/// # let _ = (everything, new_orders);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// The start of the subscription.
    pub from: SubscribeFrom,
    /// The filter for the events to deliver.
    pub filter: EventFilter,
}

impl SubscribeOptions {
    /// Only events that the filter lets through.
    #[must_use]
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }
}

impl From<SubscribeFrom> for SubscribeOptions {
    fn from(from: SubscribeFrom) -> Self {
        Self { from, ..Self::default() }
    }
}

/// The start of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum SubscribeFrom {
    /// The first event that is still there.
    #[default]
    Start,
    /// The event that follows this position.
    After(Position),
    /// The first event that is saved from now on.
    Now,
}

impl From<Option<Position>> for SubscribeFrom {
    /// After a checkpoint, if there is one; from the start otherwise.
    fn from(checkpoint: Option<Position>) -> Self {
        checkpoint.map_or(Self::Start, Self::After)
    }
}

/// One thing that a subscription delivers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Delivery {
    /// An event.
    Event(RecordedEvent),
    /// Everything up to this position, inclusive, has been delivered, but for what does not match. Comes where no event
    /// that was delivered says so: resuming after it skips nothing.
    Passed(Position),
    /// All that was acknowledged before the subscription began, or before it fell behind, has been delivered or passed.
    /// What follows comes as it is saved.
    CaughtUp,
    /// The subscription is behind what is saved: it was cut off, or is read too slowly. [`CaughtUp`](Self::CaughtUp)
    /// follows when it is not any more.
    FellBehind,
}

impl Delivery {
    /// The position that has gone by with it.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Event(event) => Some(event.position),
            Self::Passed(position) => Some(*position),
            Self::CaughtUp | Self::FellBehind => None,
        }
    }
}
