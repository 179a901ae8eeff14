//! [`Group`]: the subscribers that get the same deliveries from the same queue: a ring, or a lane of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use aether_core::{Event, EventFilter};
use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use crate::delivery::Tally;
use crate::hub::lock;
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

    /// Returns whether its subscribers want the event.
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

/// A delivery, and what was missed before it.
type Item = (Tally, BusDelivery);

/// The end that publishers have.
#[derive(Debug)]
pub(crate) struct Lane {
    sender: mpsc::Sender<Item>,
    overflow: Arc<Overflow>,
}

/// What there was no room for, until it is told.
#[derive(Debug, Default)]
struct Overflow {
    missed: Mutex<Tally>,
    closed: AtomicBool,
    reader: AtomicWaker,
}

/// Room for one delivery.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    permit: mpsc::Permit<'a, Item>,
    lane: &'a Lane,
}

impl Lane {
    pub(crate) fn new(capacity: usize) -> (Self, LaneReader) {
        let capacity = capacity.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        let (sender, receiver) = mpsc::channel(capacity);
        let overflow = Arc::new(Overflow::default());
        let reader =
            LaneReader { receiver, overflow: Arc::clone(&overflow), missed: Tally::default(), next: None };
        (Self { sender, overflow }, reader)
    }

    /// Waits for room; `None` if the subscriber is gone.
    pub(crate) async fn reserve(&self) -> Option<Room<'_>> {
        let permit = self.sender.reserve().await.ok()?;
        Some(Room { permit, lane: self })
    }

    /// Delivers if there is room, and otherwise takes note of what is missed.
    pub(crate) fn offer(&self, delivery: BusDelivery) {
        match self.sender.try_reserve() {
            Ok(permit) => Room { permit, lane: self }.fill(delivery),
            Err(mpsc::error::TrySendError::Full(())) => {
                lock(&self.overflow.missed).add(&delivery);
                self.overflow.reader.wake();
            }
            Err(mpsc::error::TrySendError::Closed(())) => {}
        }
    }

    /// Nothing is delivered any more. The subscriber reads what is left.
    pub(crate) fn close(&self) {
        self.overflow.closed.store(true, Ordering::Release);
        self.overflow.reader.wake();
    }
}

impl Room<'_> {
    pub(crate) fn fill(self, delivery: BusDelivery) {
        let missed = std::mem::take(&mut *lock(&self.lane.overflow.missed));
        self.permit.send((missed, delivery));
    }
}

/// The end that the subscriber has.
#[derive(Debug)]
pub(crate) struct LaneReader {
    receiver: mpsc::Receiver<Item>,
    overflow: Arc<Overflow>,
    /// What is still to be told before `next`.
    missed: Tally,
    next: Option<BusDelivery>,
}

impl LaneReader {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<BusDelivery>> {
        loop {
            if let Some(notice) = self.missed.take_notice() {
                return Poll::Ready(Some(notice));
            }
            if let Some(delivery) = self.next.take() {
                return Poll::Ready(Some(delivery));
            }
            // Before looking: whoever closes it, or finds it full, after that wakes it again.
            self.overflow.reader.register(cx.waker());
            let closed = self.overflow.closed.load(Ordering::Acquire);
            let received = match self.receiver.try_recv() {
                Ok(item) => Poll::Ready(Some(item)),
                Err(_) => self.receiver.poll_recv(cx),
            };
            if let Poll::Ready(Some((missed, delivery))) = received {
                self.missed = missed;
                self.next = Some(delivery);
                continue;
            }
            self.missed = std::mem::take(&mut *lock(&self.overflow.missed));
            if self.missed == Tally::default() {
                return if closed { Poll::Ready(None) } else { received.map(|_| None) };
            }
        }
    }
}
