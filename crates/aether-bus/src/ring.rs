//! [`Ring`]: the latest deliveries, kept once for all subscribers that want the same.
//!
//! Deliveries stand in chunks of slots that are each written once. A reader holds the chunk that it reads and takes the
//! lock only to get the next one, or to wait; so many readers of the same events do not wait for each other, nor for who
//! writes. The ring keeps the chunks that hold its capacity, and a reader at most one more.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aether_core::Namespace;
use smallvec::SmallVec;

use crate::chunk::Chunk;
use crate::sync::lock;
use crate::tally::Tally;
use crate::{BusDelivery, BusEvent};

/// The most slots of a chunk. More would be kept beyond a ring's capacity, fewer would mean more locking.
const CHUNK: u64 = 64;

#[derive(Debug)]
pub(crate) struct Ring {
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Consecutive, oldest first; only the last one has empty slots.
    chunks: VecDeque<Arc<Chunk>>,
    /// The number of the next delivery.
    next: u64,
    /// All that was ever delivered.
    tally: Tally,
    waiting: SmallVec<[(u64, Waker); 2]>,
    readers: u64,
    closed: bool,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1) as u64, state: Mutex::default() }
    }

    /// Adds a delivery, drops what is beyond the capacity, and wakes who waits.
    pub(crate) fn push(&self, delivery: BusDelivery) {
        let (waiting, _dropped) = {
            let mut state = lock(&self.state);
            if state.closed {
                return;
            }
            let dropped = self.append(&mut state, delivery);
            (mem::take(&mut state.waiting), dropped)
        };
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// Adds a delivery; gives back a chunk that is not needed any more, to be dropped without the lock.
    fn append(&self, state: &mut State, delivery: BusDelivery) -> Option<Arc<Chunk>> {
        let mut dropped = None;
        if state.chunks.back().is_none_or(|chunk| chunk.end() == state.next) {
            let slots = self.capacity.min(CHUNK) as usize;
            state.chunks.push_back(Arc::new(Chunk::new(state.next, state.tally, slots)));
            // With this delivery, the latest are from here on. At most one chunk is before that: one is added at a time.
            let keep_from = (state.next + 1).saturating_sub(self.capacity);
            if state.chunks.front().is_some_and(|chunk| chunk.end() <= keep_from) {
                dropped = state.chunks.pop_front();
            }
        }
        state.tally.add(&delivery);
        if let Some(chunk) = state.chunks.back() {
            chunk.write(state.next, delivery);
        }
        state.next += 1;
        dropped
    }

    /// Nothing is added any more. Readers read what is left.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = lock(&self.state);
            state.closed = true;
            mem::take(&mut state.waiting)
        };
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// There are no readers any more: drops everything.
    pub(crate) fn abandon(&self) {
        self.close();
        lock(&self.state).chunks.clear();
    }

    /// A reader of what is added from now on.
    pub(crate) fn reader(self: &Arc<Self>) -> RingReader {
        let mut state = lock(&self.state);
        state.readers += 1;
        let (next, seen, id) = (state.next, state.tally, state.readers);
        let chunk = state.chunks.back().filter(|chunk| chunk.end() > next).map(Arc::clone);
        RingReader {
            ring: Arc::clone(self),
            id,
            chunk,
            next,
            seen,
            missed: Tally::default(),
            names: OwnName::default(),
            looked: false,
        }
    }
}

/// One reader's place in a ring.
#[derive(Debug)]
pub(crate) struct RingReader {
    ring: Arc<Ring>,
    id: u64,
    chunk: Option<Arc<Chunk>>,
    /// The number of the next delivery to read.
    next: u64,
    /// What was delivered before it.
    seen: Tally,
    /// What is still to be told.
    missed: Tally,
    names: OwnName,
    /// Whether it has found nothing, and been back since.
    looked: bool,
}

impl RingReader {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<BusDelivery>> {
        loop {
            if let Some(notice) = self.missed.take_notice() {
                return Poll::Ready(Some(notice));
            }
            if let Some(delivery) = self.read() {
                self.looked = false;
                return Poll::Ready(Some(delivery));
            }
            // Waiting and being woken costs more than looking twice, and publishers mostly have more to say: let others on
            // this thread go first, once.
            if self.chunk.as_ref().is_some_and(|chunk| self.next < chunk.end())
                && !mem::replace(&mut self.looked, true)
            {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.turn(cx) {
                Turned::More => {}
                Turned::Wait => return Poll::Pending,
                Turned::End => return Poll::Ready(None),
            }
        }
    }

    /// The next delivery, if it is in the chunk at hand.
    fn read(&mut self) -> Option<BusDelivery> {
        let delivery = self.chunk.as_ref()?.read(self.next)?;
        let delivery = match delivery {
            BusDelivery::Event(event) => BusDelivery::Event(self.names.rename(event)),
            notice => notice.clone(),
        };
        self.next += 1;
        self.seen.add(&delivery);
        Some(delivery)
    }

    /// Takes the chunk with the next delivery, or the oldest one that is left; or waits.
    fn turn(&mut self, cx: &mut Context<'_>) -> Turned {
        let mut state = lock(&self.ring.state);
        if self.next == state.next {
            // Else it would stay in memory for as long as nothing comes.
            if self.chunk.as_ref().is_some_and(|chunk| chunk.end() == self.next) {
                self.chunk = None;
            }
            if state.closed {
                return Turned::End;
            }
            match state.waiting.iter_mut().find(|(id, _)| *id == self.id) {
                Some((_, waker)) => waker.clone_from(cx.waker()),
                None => state.waiting.push((self.id, cx.waker().clone())),
            }
            return Turned::Wait;
        }
        let found = state.chunks.iter().position(|chunk| chunk.end() > self.next).unwrap_or_default();
        let Some(chunk) = state.chunks.get(found).map(Arc::clone) else { return Turned::End };
        if chunk.first > self.next {
            self.next = chunk.first;
            self.missed = chunk.before.since(self.seen);
            self.seen = chunk.before;
        }
        self.chunk = Some(chunk);
        Turned::More
    }
}

impl Drop for RingReader {
    fn drop(&mut self) {
        lock(&self.ring.state).waiting.retain(|(id, _)| *id != self.id);
    }
}

/// A reader's own copy of the namespace that it read last: all readers would count references to the one of the publisher
/// at the same time, and wait for each other's caches.
#[derive(Debug, Default)]
struct OwnName(Option<(Arc<Namespace>, Arc<Namespace>)>);

impl OwnName {
    fn rename(&mut self, event: &BusEvent) -> BusEvent {
        let theirs = event.shared_namespace();
        let own = match &self.0 {
            Some((last, own)) if Arc::ptr_eq(last, theirs) => Arc::clone(own),
            _ => {
                let own = Arc::new(Namespace::clone(theirs));
                self.0 = Some((Arc::clone(theirs), Arc::clone(&own)));
                own
            }
        };
        BusEvent::new(own, event.event().clone())
    }
}

/// What became of a reader that has read its chunk.
enum Turned {
    /// There is more to read.
    More,
    /// There is nothing yet; the reader is woken when there is.
    Wait,
    /// There is nothing, and never will be.
    End,
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
