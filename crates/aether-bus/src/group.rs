//! [`Group`]: the subscribers that get the same deliveries from the same queue.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use aether_core::{Event, EventFilter};

use crate::lane::{Lane, LaneReader};
use crate::ring::{Ring, RingReader};
use crate::{BusDelivery, Lag, NamespacePattern};

/// Where the events of a group come from: the publishers of this bus, and perhaps one link to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scope(pub(crate) u64);

impl Scope {
    /// No link.
    pub(crate) const LOCAL: Self = Self(0);
}

/// The subscribers of one pattern, filter and capacity, or one that publishers wait for.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) scope: Scope,
    pub(crate) pattern: NamespacePattern,
    filter: EventFilter,
    lag: Lag,
    queue: Queue,
    /// How many subscribers it has; changed under the lock of the hub.
    pub(crate) members: AtomicUsize,
}

#[derive(Debug)]
enum Queue {
    Ring(Arc<Ring>),
    Lane(Lane),
}

/// A subscriber's end of the queue.
#[derive(Debug)]
pub(crate) enum Reader {
    Ring(RingReader),
    Lane(LaneReader),
}

impl Group {
    /// A group, and its first reader.
    pub(crate) fn new(
        scope: Scope,
        pattern: NamespacePattern,
        filter: EventFilter,
        lag: Lag,
    ) -> (Self, Reader) {
        let (queue, reader) = match lag {
            Lag::DropOldest { capacity } => {
                let ring = Arc::new(Ring::new(capacity));
                let reader = ring.reader();
                (Queue::Ring(ring), Reader::Ring(reader))
            }
            Lag::Block { capacity } => {
                let (lane, reader) = Lane::new(capacity);
                (Queue::Lane(lane), Reader::Lane(reader))
            }
        };
        (Self { scope, pattern, filter, lag, queue, members: AtomicUsize::new(1) }, reader)
    }

    /// One more reader, if the group is of what is asked for and can have several.
    pub(crate) fn join(
        &self,
        scope: Scope,
        pattern: &NamespacePattern,
        filter: &EventFilter,
        lag: Lag,
    ) -> Option<Reader> {
        let Queue::Ring(ring) = &self.queue else { return None };
        let same =
            self.scope == scope && self.lag == lag && self.pattern == *pattern && self.filter == *filter;
        same.then(|| Reader::Ring(ring.reader()))
    }

    /// Whether its subscribers want the event.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    /// The queue that publishers wait for, if it is one.
    pub(crate) fn lane(&self) -> Option<&Lane> {
        match &self.queue {
            Queue::Ring(_) => None,
            Queue::Lane(lane) => Some(lane),
        }
    }

    /// Delivers without waiting.
    pub(crate) fn offer(&self, delivery: BusDelivery) {
        match &self.queue {
            Queue::Ring(ring) => ring.push(delivery),
            Queue::Lane(lane) => lane.offer(delivery),
        }
    }

    /// Nothing is delivered any more. Subscribers read what is left.
    pub(crate) fn close(&self) {
        match &self.queue {
            Queue::Ring(ring) => ring.close(),
            Queue::Lane(lane) => lane.close(),
        }
    }

    /// The last subscriber is gone.
    pub(crate) fn abandon(&self) {
        match &self.queue {
            Queue::Ring(ring) => ring.abandon(),
            Queue::Lane(lane) => lane.close(),
        }
    }
}
