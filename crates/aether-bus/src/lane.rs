//! [`Lane`]: one subscriber's own queue, whose fullness publishers wait out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use crate::BusDelivery;
use crate::sync::lock;
use crate::tally::Tally;

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
