//! Reading: iterators that hold no lock between items and no more than a page of commits.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use aether_core::{ActorId, Head, ReadFrom, RecordedCommit, RecordedEvent, Version};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Stream};

use crate::actors::{ActorLog, Slot};
use crate::entry::Entry;
use crate::save::Shared;

/// Commits that are copied under an actor's lock at a time.
const PAGE: usize = 256;

/// The actor's events from this version on.
pub(crate) fn events(
    store: &Shared,
    actor: &ActorId,
    from: Version,
) -> impl Iterator<Item = RecordedEvent> + Send + use<> {
    let pages = Pages::new(store, actor, |log| {
        log.commits.partition_point(|entry| entry.version() < from)..log.commits.len()
    });
    pages.flat_map(Entry::events).skip_while(move |event| event.version() < from)
}

/// The actor's events from this version down.
pub(crate) fn events_backward(
    store: &Shared,
    actor: &ActorId,
    from: Version,
) -> impl Iterator<Item = RecordedEvent> + Send + use<> {
    let pages = Pages::new(store, actor, |log| {
        // The first commit that ends at `from` or above may begin below it.
        let above = log.commits.partition_point(|entry| entry.version() < from);
        0..log.commits.len().min(above + 1)
    });
    let events = pages.backward().flat_map(|entry| entry.events().into_iter().rev());
    events.skip_while(move |event| event.version() > from)
}

/// The actor's commits after this head.
pub(crate) fn commits(
    store: &Shared,
    actor: &ActorId,
    after: Head,
) -> impl Iterator<Item = RecordedCommit> + Send + use<> {
    let pages = Pages::new(store, actor, |log| {
        log.commits.partition_point(|entry| entry.sequence() <= after.sequence())..log.commits.len()
    });
    pages.map(|entry| entry.commit())
}

/// The events of all actors after a position, up to what is last now.
pub(crate) fn all(
    store: Arc<Shared>,
    from: ReadFrom,
    limit: usize,
) -> impl Iterator<Item = RecordedEvent> + Send {
    let after = match from {
        ReadFrom::After(position) => Some(position),
        _ => None,
    };
    let first = after.map_or(0, |position| position.sequence().saturating_sub(1));
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let last = store.order.len();
    let events = move |index| store.actors.at(store.order.get(index)).all_events();
    let events = (first..last).flat_map(events);
    events.skip_while(move |event| after.is_some_and(|position| event.position <= position)).take(limit)
}

/// Some commits of an actor, read page by page.
struct Pages {
    slot: Option<Arc<Slot>>,
    left: Range<usize>,
    backward: bool,
    page: vec::IntoIter<Entry>,
}

impl Pages {
    /// The pages of those of the actor's commits that `range` picks now, in order.
    fn new(store: &Shared, actor: &ActorId, range: impl FnOnce(&ActorLog) -> Range<usize>) -> Self {
        let slot = store.actors.get(actor);
        let left = slot.as_ref().map_or(0..0, |slot| range(&slot.lock()));
        Self { slot, left, backward: false, page: Vec::new().into_iter() }
    }

    /// The same pages, the last commit first.
    fn backward(mut self) -> Self {
        self.backward = true;
        self
    }

    fn next_page(&mut self) -> vec::IntoIter<Entry> {
        let Range { start, end } = self.left;
        let Some(slot) = self.slot.as_ref().filter(|_| start < end) else { return Vec::new().into_iter() };
        let log = slot.lock();
        let page: Vec<Entry> = if self.backward {
            self.left.end = start.max(end.saturating_sub(PAGE));
            log.commits[self.left.end..end].iter().rev().cloned().collect()
        } else {
            self.left.start = end.min(start + PAGE);
            log.commits[start..self.left.start].to_vec()
        };
        page.into_iter()
    }
}

impl Iterator for Pages {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.page.len() == 0 {
            self.page = self.next_page();
        }
        self.page.next()
    }
}

/// Items after which a stream lets the runtime's other tasks run, since it never has to wait for anything itself.
const TURN: usize = 1024;

/// The items of `iterator`, each as `Ok`.
pub(crate) fn stream<I, E>(iterator: I) -> BoxStream<'static, Result<I::Item, E>>
where
    I: Iterator + Send + Unpin + 'static,
    E: 'static,
{
    Turns { iterator, left: TURN }.map(Ok).boxed()
}

struct Turns<I> {
    iterator: I,
    left: usize,
}

impl<I: Iterator + Unpin> Stream for Turns<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if self.left == 0 {
            self.left = TURN;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.left -= 1;
        Poll::Ready(self.iterator.next())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_stream_pauses_after_a_turn_and_goes_on() {
        let mut items = stream::<_, Infallible>(0..TURN + 1);
        for expected in 0..TURN {
            assert_eq!(items.next().now_or_never(), Some(Some(Ok(expected))));
        }
        assert_eq!(items.next().now_or_never(), None, "a turn is over");
        assert_eq!(items.next().now_or_never(), Some(Some(Ok(TURN))));
        assert_eq!(items.next().now_or_never(), Some(None));
    }
}
