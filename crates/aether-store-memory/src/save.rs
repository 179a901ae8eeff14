//! Saving: check, append, or find the commit that is there already.

use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use aether_core::{
    Clock, Commit, Event, Head, Part, Position, RecordedAt, SaveError, Saved, Stored, StoredSearch, Version,
};
use aether_telemetry::StoreTelemetry;
use smallvec::SmallVec;

use crate::actors::{ActorLog, Actors, Slot};
use crate::builder::Limits;
use crate::entry::{Entry, sequence};
use crate::order::Order;
use crate::waiting::Waiting;

/// What the handles on one store share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) order: Order,
    pub(crate) actors: Actors,
    pub(crate) limits: Limits,
    /// The subscriptions that wait for a save.
    pub(crate) waiting: Waiting,
    pub(crate) telemetry: StoreTelemetry,
    /// `None`: the machine's.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

/// An actor, locked.
struct Locked<'s> {
    slot: &'s Arc<Slot>,
    log: MutexGuard<'s, ActorLog>,
}

impl<'s> Locked<'s> {
    fn new(slot: &'s Arc<Slot>) -> Self {
        Self { slot, log: slot.lock() }
    }

    fn append(&mut self, entry: Entry) {
        self.log.head = Head::new(entry.sequence(), entry.version());
        self.log.commits.push(entry);
    }
}

impl Shared {
    /// Saves a commit, all or nothing.
    pub(crate) fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let saved = self.check_and_append(commit)?;
        self.waiting.wake_all();
        Ok(saved)
    }

    fn check_and_append(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let parts = commit.parts()?;
        let size = self.limits.check(&parts)?;
        if let [part] = &*parts {
            let save = |slot: &Arc<Slot>| self.save_locked(&parts, &mut [Locked::new(slot)], size);
            return self.actors.with(part.actor(), save);
        }
        let slots: Vec<Arc<Slot>> =
            parts.iter().map(|part| self.actors.with(part.actor(), Arc::clone)).collect();
        // Locked in the order of the actors, so that two commits never wait for each other; then back in that of parts.
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_unstable_by_key(|&i| parts[i].actor());
        let mut locked: Vec<_> = order.into_iter().map(|i| (i, Locked::new(&slots[i]))).collect();
        locked.sort_unstable_by_key(|(i, _)| *i);
        let mut actors: Vec<_> = locked.into_iter().map(|(_, actor)| actor).collect();
        self.save_locked(&parts, &mut actors, size)
    }

    fn save_locked(
        &self,
        parts: &[Part<'_>],
        actors: &mut [Locked<'_>],
        size: usize,
    ) -> Result<Saved, SaveError> {
        let mut pairs = parts.iter().zip(actors.iter());
        if let Err(conflict) = pairs.try_for_each(|(part, actor)| part.check(actor.log.head)) {
            return self.find(parts, actors).ok_or_else(|| conflict.into());
        }
        self.limits.take(size)?;
        let now = self.now();
        let place = actors.first_mut().map(|first| self.actors.next_place(first.slot, &mut first.log));
        // A reader that finds the place before the commit is there waits for the lock.
        let sequence = sequence(self.order.push(place.unwrap_or_default()));
        append(parts, actors, sequence, now);
        let events: usize = parts.iter().map(|part| part.events().len()).sum();
        let position = Position::new(sequence, events.saturating_sub(1) as u32);
        Ok(saved(parts, actors.iter().map(|actor| actor.log.head), position))
    }

    /// The time now. Making a date of the machine's time would take as long as asking for it, so that is left to readers.
    fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock.now().into())
    }

    /// Where the commit stands, if it was saved before: whole, and whatever was saved on top of it.
    fn find(&self, parts: &[Part<'_>], actors: &[Locked<'_>]) -> Option<Saved> {
        let found = parts.iter().zip(actors).map(|(part, actor)| find_part(part, &actor.log));
        let found = found.collect::<Option<SmallVec<[RecordedAt; 1]>>>()?;
        let last = found.iter().map(|at| at.position).reduce(|a, b| if b > a { b } else { a })?;
        Some(saved(parts, found.iter().map(|at| at.head), last))
    }
}

fn find_part(part: &Part<'_>, log: &ActorLog) -> Option<RecordedAt> {
    let mut search = part.search();
    let mut newest_first = log.commits.iter().rev().take(StoredSearch::LIMIT);
    let _over = newest_first.any(|entry| search.see(&entry.commit()));
    match search.outcome() {
        Stored::All(at) => Some(at),
        Stored::Some | Stored::None => None,
    }
}

/// Appends the commit to the logs of its actors.
fn append(parts: &[Part<'_>], actors: &mut [Locked<'_>], sequence: u64, now: SystemTime) {
    if let ([part], [actor]) = (parts, &mut *actors)
        && let ([event], None) = (part.events(), part.note())
    {
        return actor.append(Entry::of_event(sequence, Event::clone(event), now));
    }
    let versions = parts.iter().zip(actors.iter()).map(|(part, actor)| part.version_after(actor.log.head));
    let versions: Vec<Version> = versions.collect();
    for (entry, actor) in Entry::of_parts(sequence, parts, versions, now).zip(actors) {
        actor.append(entry);
    }
}

/// The answer for a commit after which the actors of its parts are at `heads`.
#[expect(clippy::expect_used, reason = "a valid commit has at least one part")]
fn saved(parts: &[Part<'_>], mut heads: impl Iterator<Item = Head>, position: Position) -> Saved {
    if let [_] = parts {
        return Saved::new(heads.next().expect("a head for each part"), position);
    }
    let heads = parts.iter().map(|part| part.actor().clone()).zip(heads);
    Saved::of_actors(heads, position).expect("a head for each part")
}
