//! [`Ring`]: the latest deliveries, kept once for all subscribers that want the same.
//!
//! What is new stands open, under the lock. Who has read all that is before it seals it: it becomes a [`Chunk`], which all
//! readers read without a lock. So a reader takes the lock once for all that has come meanwhile, and readers of the same
//! events wait neither for each other nor for who writes. The ring keeps the chunks that hold its capacity, and a reader at
//! most one more.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aether_core::Namespace;
use smallvec::SmallVec;
use tokio::task::yield_now;

use crate::delivery::Tally;
use crate::hub::lock;
use crate::{BusDelivery, BusEvent};

/// The most deliveries of a chunk. More would be kept beyond a ring's capacity, fewer would mean more locking.
const CHUNK: usize = 64;

#[derive(Debug)]
pub(crate) struct Ring {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Consecutive, oldest first.
    sealed: VecDeque<Chunk>,
    /// Where they end.
    sealed_end: Mark,
    /// What comes after them; fewer than a chunk may have.
    open: Vec<BusDelivery>,
    end: Mark,
    waiting: SmallVec<[(u64, Waker); 2]>,
    readers: u64,
    closed: bool,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), state: Mutex::default() }
    }

    /// Adds a delivery, drops what is beyond the capacity, and wakes who waits.
    pub(crate) fn push(&self, delivery: BusDelivery) {
        let (waiting, _dropped) = {
            let mut state = lock(&self.state);
            if state.closed {
                return;
            }
            state.end.pass(&delivery);
            state.open.push(delivery);
            if state.open.len() >= self.capacity.min(CHUNK) {
                state.seal();
            }
            // Dropped without the lock.
            (state.take_waiting(), state.take_beyond(self.capacity))
        };
        waiting.into_iter().flatten().for_each(|(_, waker)| waker.wake());
    }

    /// Nothing is added any more. Readers read what is left.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.take_waiting()
        };
        waiting.into_iter().flatten().for_each(|(_, waker)| waker.wake());
    }

    /// There are no readers any more: drops everything.
    pub(crate) fn abandon(&self) {
        self.close();
        let mut state = lock(&self.state);
        state.open.clear();
        state.sealed.clear();
    }

    /// A reader of what is added from now on.
    pub(crate) fn reader(self: &Arc<Self>) -> RingReader {
        let mut state = lock(&self.state);
        // What is in a chunk is read from its beginning.
        state.seal();
        state.readers += 1;
        RingReader {
            ring: Arc::clone(self),
            id: state.readers,
            chunk: None,
            index: 0,
            next: state.end,
            missed: Tally::default(),
            names: OwnName::default(),
            yielded: false,
        }
    }
}

impl State {
    /// Makes a chunk of what is open.
    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let deliveries = self.open.drain(..).collect();
        let start = mem::replace(&mut self.sealed_end, self.end);
        self.sealed.push_back(Chunk { start, end: self.end, deliveries });
    }

    /// The oldest chunk, if the latest deliveries fill the capacity without it. It is the only one: one delivery is added
    /// at a time.
    fn take_beyond(&mut self, capacity: usize) -> Option<Chunk> {
        let oldest = self.sealed.front()?;
        (self.end.number - oldest.end.number >= capacity as u64).then(|| self.sealed.pop_front()).flatten()
    }

    fn take_waiting(&mut self) -> Option<SmallVec<[(u64, Waker); 2]>> {
        (!self.waiting.is_empty()).then(|| mem::take(&mut self.waiting))
    }

    /// The chunk with the delivery that comes at this mark, or the oldest that there is.
    fn chunk_at(&mut self, mark: Mark) -> Option<Chunk> {
        if mark.number >= self.sealed_end.number {
            self.seal();
        }
        let index = self.sealed.partition_point(|chunk| chunk.end.number <= mark.number);
        self.sealed.get(index).cloned()
    }
}

/// One reader's place in a ring.
#[derive(Debug)]
pub(crate) struct RingReader {
    ring: Arc<Ring>,
    id: u64,
    /// What it reads, and how much of that it has read.
    chunk: Option<Arc<[BusDelivery]>>,
    index: usize,
    /// Where its chunk ends.
    next: Mark,
    /// What is still to be told.
    missed: Tally,
    names: OwnName,
    /// `true` if it has found nothing, and been back since.
    yielded: bool,
}

impl RingReader {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<BusDelivery>> {
        loop {
            if let Some(notice) = self.missed.take_notice() {
                return Poll::Ready(Some(notice));
            }
            if let Some(delivery) = self.read() {
                return Poll::Ready(Some(delivery));
            }
            match self.turn(cx) {
                Turned::More => {}
                Turned::Wait => return Poll::Pending,
                Turned::End => return Poll::Ready(None),
            }
        }
    }

    /// The next delivery of the chunk at hand.
    fn read(&mut self) -> Option<BusDelivery> {
        let delivery = match self.chunk.as_ref()?.get(self.index)? {
            BusDelivery::Event(event) => BusDelivery::Event(self.names.rename(event)),
            notice => notice.clone(),
        };
        self.index += 1;
        Some(delivery)
    }

    /// Takes the next chunk, or the oldest one that is left; or waits.
    fn turn(&mut self, cx: &mut Context<'_>) -> Turned {
        // Else it would stay in memory for as long as nothing comes.
        self.chunk = None;
        let mut state = lock(&self.ring.state);
        if self.next != state.end
            && let Some(chunk) = state.chunk_at(self.next)
        {
            drop(state);
            if chunk.start != self.next {
                self.missed = chunk.start.tally.since(self.next.tally);
            }
            self.next = chunk.end;
            (self.chunk, self.index, self.yielded) = (Some(chunk.deliveries), 0, false);
            return Turned::More;
        }
        if state.closed {
            return Turned::End;
        }
        if !mem::replace(&mut self.yielded, true) {
            drop(state);
            // Publishers mostly have more to say, and waiting and being woken costs both sides more than to let others go
            // first, once. Unlike one's own waker, this wakes no other thread of the runtime.
            let _ = pin!(yield_now()).poll(cx);
            return Turned::Wait;
        }
        match state.waiting.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.waiting.push((self.id, cx.waker().clone())),
        }
        Turned::Wait
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
    /// More can be read.
    More,
    /// Nothing to read yet; the reader is woken when that changes.
    Wait,
    /// The end: nothing will ever come.
    End,
}

#[cfg(test)]
mod tests;

/// Consecutive deliveries that are never changed: reading needs no lock. Cloning is cheap (a reference count).
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) deliveries: Arc<[BusDelivery]>,
}

/// A place between two deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// How many deliveries are before it.
    pub(crate) number: u64,
    /// What they stood for.
    pub(crate) tally: Tally,
}

impl Mark {
    /// Goes past a delivery.
    pub(crate) fn pass(&mut self, delivery: &BusDelivery) {
        self.number += 1;
        self.tally.add(delivery);
    }
}
