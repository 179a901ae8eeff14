//! [`BusDelivery`]: what a subscriber of a bus gets.

use std::ops::Deref;
use std::sync::Arc;

use aether_core::{Event, Namespace};

/// An event that was published in a namespace. Cloning is cheap (reference counts): all subscribers share it.
///
/// Derefs to its [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    namespace: Arc<Namespace>,
    event: Event,
}

impl BusEvent {
    /// For buses: `event`, as it was published in `namespace`.
    #[must_use]
    pub fn new(namespace: Arc<Namespace>, event: Event) -> Self {
        Self { namespace, event }
    }

    /// Where it was published.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) fn shared_namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }
}

impl Deref for BusEvent {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

/// One thing that a subscriber of a bus gets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BusDelivery {
    /// An event that it asked for.
    Event(BusEvent),
    /// So many events are missing between what came before and what comes next.
    ///
    /// Those that the subscriber was too slow for have all matched its filter. Those that were lost on the network are
    /// of namespaces that it asked for; whether they would have passed its filter, nobody knows.
    Missed(u64),
    /// The connection was lost and made anew. Events may be missing that nobody can count: those of publishers that had
    /// not been heard before. Those of others are counted by [`Missed`](Self::Missed) when they are heard again.
    Interrupted,
    /// A message that is no event came where events are published.
    Undecodable(Arc<Undecodable>),
}

impl BusDelivery {
    /// The event, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<&BusEvent> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The event, if it is one.
    #[must_use]
    pub fn into_event(self) -> Option<BusEvent> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }
}

/// A message that is no event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Undecodable {
    /// The subject that it was published on.
    pub subject: String,
    /// Why it is no event.
    pub reason: String,
    /// Its bytes.
    pub payload: Vec<u8>,
}
