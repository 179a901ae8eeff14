//! Reading: iterators that hold no lock between items and no more than a page of indices.

use std::ops::Range;
use std::sync::Arc;
use std::vec;

use aether_core::{ActorId, Head, ReadFrom, RecordedCommit, RecordedEvent, Version};
use smallvec::SmallVec;

use crate::actors::{ActorLog, Slot};
use crate::entry::RecordedPart;
use crate::save::Shared;

/// Indices that are copied under an actor's lock at a time.
const PAGE: usize = 256;

/// The events of one part of a commit; one, mostly.
type Events = SmallVec<[RecordedEvent; 1]>;

/// The actor's events from this version on.
pub(crate) fn events(
    store: Arc<Shared>,
    actor: &ActorId,
    from: Version,
) -> impl Iterator<Item = RecordedEvent> + Send + use<> {
    let commits = Pages::new(&store, actor, |log| {
        let below = |&index: &usize| version(&store, actor, index) < from;
        log.commits.partition_point(below)..log.commits.len()
    });
    let actor = actor.clone();
    let events = move |index| part(&store, &actor, index).map_or_else(Events::new, |p| p.events().collect());
    commits.flat_map(events).skip_while(move |event| event.version() < from)
}

/// The actor's events from this version down.
pub(crate) fn events_backward(
    store: Arc<Shared>,
    actor: &ActorId,
    from: Version,
) -> impl Iterator<Item = RecordedEvent> + Send + use<> {
    let commits = Pages::new(&store, actor, |log| {
        // The first commit that ends at `from` or above may begin below it.
        let below = |&index: &usize| version(&store, actor, index) < from;
        0..log.commits.len().min(log.commits.partition_point(below) + 1)
    });
    let actor = actor.clone();
    let events =
        move |index| part(&store, &actor, index).map_or_else(Events::new, |p| p.events().rev().collect());
    commits.backward().flat_map(events).skip_while(move |event| event.version() > from)
}

/// The actor's commits after this head.
pub(crate) fn commits(
    store: Arc<Shared>,
    actor: &ActorId,
    after: Head,
) -> impl Iterator<Item = RecordedCommit> + Send + use<> {
    let commits = Pages::new(&store, actor, |log| {
        // The commit at index n has the sequence number n + 1.
        log.commits.partition_point(|&index| (index as u64) < after.sequence())..log.commits.len()
    });
    let actor = actor.clone();
    commits.filter_map(move |index| part(&store, &actor, index).map(RecordedPart::commit))
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
    let last = store.log.len();
    let events = move |index| {
        let parts = store.log.get(index).parts(index);
        parts.flat_map(RecordedPart::events).collect::<Events>()
    };
    (first..last)
        .flat_map(events)
        .skip_while(move |event| after.is_some_and(|p| event.position <= p))
        .take(limit)
}

fn part<'s>(store: &'s Shared, actor: &ActorId, index: usize) -> Option<RecordedPart<'s>> {
    store.log.get(index).part_of(actor, index)
}

fn version(store: &Shared, actor: &ActorId, index: usize) -> Version {
    part(store, actor, index).map_or(Version::ZERO, |part| part.version())
}

/// Where commits of an actor are in the log, read page by page.
struct Pages {
    slot: Option<Arc<Slot>>,
    left: Range<usize>,
    backward: bool,
    page: vec::IntoIter<usize>,
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

    fn next_page(&mut self) -> vec::IntoIter<usize> {
        let Range { start, end } = self.left;
        let Some(slot) = self.slot.as_ref().filter(|_| start < end) else { return Vec::new().into_iter() };
        let log = slot.lock();
        let page: Vec<usize> = if self.backward {
            self.left.end = start.max(end.saturating_sub(PAGE));
            log.commits[self.left.end..end].iter().rev().copied().collect()
        } else {
            self.left.start = end.min(start + PAGE);
            log.commits[start..self.left.start].to_vec()
        };
        page.into_iter()
    }
}

impl Iterator for Pages {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.page.len() == 0 {
            self.page = self.next_page();
        }
        self.page.next()
    }
}
