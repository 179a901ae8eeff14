//! [`Following`]: a subscription, which goes along the order of all commits and waits at its end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use aether_core::{
    Delivery, EventFilter, Position, ReadError, RecordedEvent, SubscribeFrom, SubscribeOptions,
};
use futures_util::Stream;

use crate::entry::{Events, sequence};
use crate::save::Shared;

/// How many events that do not match go by before a subscription says so.
const SKIPPED: usize = 1024;
/// How many commits may wait for a subscription that has caught up before it counts as behind.
const BEHIND: usize = 1024;
/// How many steps a subscription goes before it lets the runtime's other tasks run.
const TURN: usize = 1024;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A subscription.
pub(crate) struct Following {
    store: Arc<Shared>,
    id: u64,
    filter: EventFilter,
    /// The index of the next commit.
    next: usize,
    /// What is left of the last one.
    commit: <Events as IntoIterator>::IntoIter,
    /// Up to where it was told that everything has gone by.
    told: Option<Position>,
    /// Up to where everything has gone by, if nothing that was delivered says so.
    untold: Option<Position>,
    skipped: usize,
    /// The index at which it has caught up; `None` if it has.
    behind_until: Option<usize>,
    turn: usize,
}

impl Following {
    pub(crate) fn new(store: Arc<Shared>, options: &SubscribeOptions) -> Self {
        let end = store.order.len();
        let (next, told) = match options.from {
            SubscribeFrom::After(position) => {
                let first = position.sequence().saturating_sub(sequence(0));
                (usize::try_from(first).unwrap_or(usize::MAX), Some(position))
            }
            SubscribeFrom::Now => (end, None),
            _ => (0, None),
        };
        Self {
            store,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            filter: options.filter.clone(),
            next,
            commit: Events::new().into_iter(),
            told,
            untold: None,
            skipped: 0,
            behind_until: Some(end),
            turn: TURN,
        }
    }

    /// The next thing to deliver; `None` if there is nothing more, or the turn is over.
    fn step(&mut self) -> Option<Delivery> {
        while self.turn > 0 {
            self.turn -= 1;
            if let Some(event) = self.commit.next() {
                if let Some(delivery) = self.look_at(event) {
                    return Some(delivery);
                }
                continue;
            }
            let end = self.store.order.len();
            match self.behind_until {
                Some(until) if self.next >= until => {
                    let passed = self.tell();
                    if passed.is_none() {
                        self.behind_until = None;
                    }
                    return Some(passed.unwrap_or(Delivery::CaughtUp));
                }
                None if end.saturating_sub(self.next) > BEHIND => {
                    self.behind_until = Some(end);
                    return Some(Delivery::FellBehind);
                }
                _ if self.next < end => self.take_commit(),
                _ => return self.tell(),
            }
        }
        None
    }

    fn look_at(&mut self, event: RecordedEvent) -> Option<Delivery> {
        if self.told.is_some_and(|told| event.position <= told) {
            return None;
        }
        if self.filter.matches(&event) {
            (self.told, self.untold) = (Some(event.position), None);
            self.skipped = 0;
            return Some(Delivery::Event(event));
        }
        self.skip(event.position)
    }

    fn take_commit(&mut self) {
        let events = self.store.actors.at(self.store.order.get(self.next)).all_events();
        if events.is_empty() {
            let position = Position::new(sequence(self.next), 0);
            if self.told.is_none_or(|told| position > told) {
                self.untold = Some(position);
            }
        }
        self.commit = events.into_iter();
        self.next += 1;
    }

    fn skip(&mut self, position: Position) -> Option<Delivery> {
        self.untold = Some(position);
        self.skipped += 1;
        if self.skipped < SKIPPED { None } else { self.tell() }
    }

    /// Says up to where everything has gone by, if that was not said.
    fn tell(&mut self) -> Option<Delivery> {
        let position = self.untold.take()?;
        (self.told, self.skipped) = (Some(position), 0);
        Some(Delivery::Passed(position))
    }

    fn is_at_end(&self) -> bool {
        self.commit.len() == 0 && self.behind_until.is_none() && self.next >= self.store.order.len()
    }
}

impl Stream for Following {
    type Item = Result<Delivery, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(delivery) = self.step() {
            return Poll::Ready(Some(Ok(delivery)));
        }
        if self.turn > 0 {
            self.store.waiting.wait(self.id, context.waker());
        }
        // Something may have been saved just before.
        if self.turn == 0 || !self.is_at_end() {
            context.waker().wake_by_ref();
        }
        self.turn = TURN;
        Poll::Pending
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.store.waiting.forget(self.id);
    }
}
