//! Saving: check, append, or find the commit that is there already.

use std::sync::{Arc, MutexGuard};
use std::time::SystemTime;

use aether_core::{Clock, Commit, Head, Part, Position, RecordedAt, SaveError, Saved, Stored, StoredSearch};
use smallvec::SmallVec;

use crate::actors::{ActorLog, Actors, Slot};
use crate::entry::{Entry, sequence};
use crate::limits::Limits;
use crate::log::Log;

/// What the handles on one store share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Log<Entry>,
    pub(crate) actors: Actors,
    pub(crate) limits: Limits,
    /// `None`: the machine's.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl Shared {
    /// Saves a commit, all or nothing.
    pub(crate) fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let parts = commit.parts()?;
        let size = self.limits.check(&parts)?;
        if let [part] = &*parts {
            let save = |slot: &Arc<Slot>| self.save_locked(&parts, &mut [slot.lock()], size);
            return self.actors.with(part.actor(), save);
        }
        let slots: Vec<Arc<Slot>> =
            parts.iter().map(|part| self.actors.get_or_insert(part.actor())).collect();
        // Locked in the order of the actors, so that two commits never wait for each other; then back in that of parts.
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_unstable_by_key(|&i| parts[i].actor());
        let mut locked: Vec<_> = order.into_iter().map(|i| (i, slots[i].lock())).collect();
        locked.sort_unstable_by_key(|(i, _)| *i);
        let mut logs: Vec<_> = locked.into_iter().map(|(_, log)| log).collect();
        self.save_locked(&parts, &mut logs, size)
    }

    fn save_locked(
        &self,
        parts: &[Part<'_>],
        logs: &mut [MutexGuard<'_, ActorLog>],
        size: usize,
    ) -> Result<Saved, SaveError> {
        let mut pairs = parts.iter().zip(logs.iter());
        if let Err(conflict) = pairs.try_for_each(|(part, log)| part.check(log.head)) {
            return self.find(parts, logs).ok_or_else(|| conflict.into());
        }
        self.limits.take(size)?;
        let versions = parts.iter().zip(logs.iter()).map(|(part, log)| part.version_after(log.head));
        let index = self.log.push(Entry::new(parts, versions, self.now()));
        for (part, log) in parts.iter().zip(logs.iter_mut()) {
            log.head = Head::new(sequence(index), part.version_after(log.head));
            log.commits.push(index);
        }
        let events: usize = parts.iter().map(|part| part.events().len()).sum();
        let position = Position::new(sequence(index), events.saturating_sub(1) as u32);
        Ok(saved(parts, logs.iter().map(|log| log.head), position))
    }

    /// The time now. Making a date of the machine's time would take as long as asking for it, so that is left to readers.
    fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock.now().into())
    }

    /// Where the commit stands, if it was saved before: whole, and whatever was saved on top of it.
    fn find(&self, parts: &[Part<'_>], logs: &[MutexGuard<'_, ActorLog>]) -> Option<Saved> {
        let found = parts.iter().zip(logs).map(|(part, log)| self.find_part(part, log));
        let found = found.collect::<Option<SmallVec<[RecordedAt; 1]>>>()?;
        let last = found.iter().map(|at| at.position).reduce(|a, b| if b > a { b } else { a })?;
        Some(saved(parts, found.iter().map(|at| at.head), last))
    }

    fn find_part(&self, part: &Part<'_>, log: &ActorLog) -> Option<RecordedAt> {
        let mut search = part.search();
        let newest_first = log.commits.iter().rev().take(StoredSearch::LIMIT);
        let mut commits = newest_first.filter_map(|&index| self.log.get(index).part_of(part.actor(), index));
        let _over = commits.any(|stored| search.see(&stored.commit()));
        match search.outcome() {
            Stored::All(at) => Some(at),
            Stored::Some | Stored::None => None,
        }
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
