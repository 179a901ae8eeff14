//! [`Plain`]: a store so simple that it can be seen to keep the contract. One lock, one vector, no caches.
//!
//! Its sequences and the indexes in its commits have gaps, so nothing that passes here has assumed density. It knows
//! everything that a rule may ask for, also retention, and what a mutant gets wrong it gets wrong around this.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitMarks, Event, Head, HistoryIncomplete, Part, Position, ReadError,
    ReadFrom, RecordedAt, RecordedCommit, RecordedEvent, SaveError, Saved, SnapshotSaved, Stored,
    StoredSearch, Version, VersionConflict,
};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::read::Read;

/// How far a commit's sequence is above the one before.
const SEQUENCE_GAP: u64 = 7;
/// How far an event's index is above the one before in its commit.
const INDEX_GAP: u32 = 3;
/// The largest commit, in bytes.
const MAX_COMMIT: usize = 1024 * 1024;

/// What is asked of a storage.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) max_age: Option<Duration>,
    pub(crate) max_bytes: Option<u64>,
}

/// A handle on a storage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plain {
    state: Arc<Mutex<State>>,
    /// Wakes whoever waits for something to change.
    changed: watch::Sender<()>,
    line: Arc<Line>,
}

/// What is between a handle and its storage.
#[derive(Debug, Default)]
struct Line {
    is_cut: AtomicBool,
    interruptions: AtomicU64,
}

/// The next thing in the log: an event, or where a commit without events stands.
pub(crate) enum Next {
    Event(RecordedEvent),
    NoEvent(Position),
}

#[derive(Debug, Default)]
struct State {
    limits: Limits,
    entries: Vec<Entry>,
    last: u64,
    bytes: u64,
    /// The position of the last event that has expired.
    expired: Option<Position>,
    snapshots: BTreeMap<ActorId, ActorSnapshot>,
}

#[derive(Debug)]
struct Entry {
    actor: ActorId,
    commit: RecordedCommit,
    /// Whether the actor had no commits before it.
    first: bool,
}

impl Plain {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State { limits, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), ..Self::default() }
    }

    /// Another handle on the same storage, with a line of its own.
    pub(crate) fn another(&self) -> Self {
        Self { line: Arc::default(), ..self.clone() }
    }

    /// Cuts the line of this handle.
    pub(crate) fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        self.interrupt();
    }

    /// Makes the line whole again.
    pub(crate) fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
        self.changed.send_replace(());
    }

    /// Interrupts the line for a moment.
    pub(crate) fn interrupt(&self) {
        self.line.interruptions.fetch_add(1, Ordering::SeqCst);
        self.changed.send_replace(());
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.line.is_cut.load(Ordering::SeqCst)
    }

    /// How often the line was cut or interrupted.
    pub(crate) fn interruptions(&self) -> u64 {
        self.line.interruptions.load(Ordering::SeqCst)
    }

    /// Tells of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The state, without what has expired.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.expire();
        state
    }

    pub(crate) fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let saved = self.state().save(commit);
        self.changed.send_replace(());
        saved
    }

    /// Saves the parts of a commit one after the other, with time between them, as if that were one commit.
    pub(crate) async fn save_part_by_part(
        &self,
        commit: &Commit<'_>,
        pause: Duration,
    ) -> Result<Saved, SaveError> {
        let parts = commit.parts()?;
        let mut heads = Vec::new();
        let mut position = Position::new(0, 0);
        for part in parts.iter() {
            if !heads.is_empty() {
                tokio::time::sleep(pause).await;
            }
            let head;
            (head, position) = self.state().append_part(commit, part, &parts);
            heads.push((part.actor().clone(), head));
            self.changed.send_replace(());
        }
        Ok(saved(heads, position).unwrap())
    }

    /// Saves whatever room there is.
    pub(crate) fn save_beyond_capacity(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let mut state = self.state();
        let limits = std::mem::take(&mut state.limits);
        let saved = state.save(commit);
        state.limits = limits;
        saved
    }

    /// Drops the oldest commit.
    pub(crate) fn drop_oldest(&self) {
        let mut state = self.state();
        let oldest = state.entries.remove(0);
        state.bytes -= size(oldest.commit.events.iter().map(|event| &event.event)) as u64;
    }

    pub(crate) fn confirm(&self, actor: &ActorId, head: Head) -> bool {
        self.state().head(actor).sequence() == head.sequence()
    }

    pub(crate) fn head(&self, actor: &ActorId) -> Head {
        self.state().head(actor)
    }

    pub(crate) fn commits(&self, actor: &ActorId, after: Head) -> Read<RecordedCommit> {
        let state = self.state();
        let items: Vec<RecordedCommit> = state
            .of(actor)
            .filter(|entry| entry.commit.head.sequence() > after.sequence())
            .map(|entry| entry.commit.clone())
            .collect();
        let hole = state.hole(actor).filter(|first| first.sequence() > after.sequence());
        Read { items, error: None }.failing_at_once(hole.map(|_| state.incomplete(actor)))
    }

    pub(crate) fn events(&self, actor: &ActorId, from: Version) -> Read<RecordedEvent> {
        let state = self.state();
        let events = state.of(actor).flat_map(|entry| &entry.commit.events);
        let items: Vec<RecordedEvent> = events.filter(|event| event.version() >= from).cloned().collect();
        let first = state.of(actor).flat_map(|entry| &entry.commit.events).next();
        let hole = state.hole(actor).filter(|_| first.is_none_or(|first| first.version() > from));
        Read { items, error: None }.failing_at_once(hole.map(|_| state.incomplete(actor)))
    }

    pub(crate) fn events_backward(&self, actor: &ActorId, from: Version) -> Read<RecordedEvent> {
        let state = self.state();
        let events = state.of(actor).flat_map(|entry| &entry.commit.events);
        let mut items: Vec<RecordedEvent> = events.filter(|event| event.version() <= from).cloned().collect();
        items.reverse();
        Read { items, error: state.hole(actor).map(|_| state.incomplete(actor)) }
    }

    pub(crate) fn all(&self, from: ReadFrom, limit: usize) -> Read<RecordedEvent> {
        let state = self.state();
        let after = match from {
            ReadFrom::After(position) => Some(position),
            _ => None,
        };
        let events = state.entries.iter().flat_map(|entry| &entry.commit.events);
        let items =
            events.filter(|event| after.is_none_or(|after| event.position > after)).take(limit).cloned();
        let items: Vec<RecordedEvent> = items.collect();
        let missed = after.zip(state.expired).filter(|(after, expired)| after < expired);
        let error = missed
            .map(|(position, first_available)| ReadError::PositionExpired { position, first_available });
        Read { items, error: None }.failing_at_once(error)
    }

    /// What follows this position in the log.
    pub(crate) fn next_after(&self, position: Position) -> Result<Option<Next>, ReadError> {
        let state = self.state();
        if let Some(first_available) = state.expired.filter(|expired| position < *expired) {
            return Err(ReadError::PositionExpired { position, first_available });
        }
        // Nothing that comes later stands before the commit of this position.
        let from = state.entries.partition_point(|entry| entry.sequence() < position.sequence());
        let mut places = state.entries[from..].iter().flat_map(Entry::places);
        Ok(places.find(|next| next.position() > position))
    }

    /// The position before all that is there.
    pub(crate) fn before_first(&self) -> Position {
        self.state().expired.unwrap_or(Position::new(0, 0))
    }

    /// The position of the last commit, with or without events.
    pub(crate) fn last_position(&self) -> Position {
        let state = self.state();
        let last = state.entries.last().and_then(|entry| entry.places().last());
        last.map(|last| last.position()).or(state.expired).unwrap_or(Position::new(0, 0))
    }

    /// How many commits there are after this position.
    pub(crate) fn commits_after(&self, position: Position) -> usize {
        let state = self.state();
        state.entries.len() - state.entries.partition_point(|entry| entry.sequence() <= position.sequence())
    }

    /// All actors, in no useful order.
    pub(crate) fn everybody(&self) -> BTreeSet<ActorId> {
        self.state().entries.iter().map(|entry| entry.actor.clone()).collect()
    }

    pub(crate) fn actors(&self, category: &str, after: Option<&ActorId>, limit: usize) -> Vec<ActorId> {
        let mut actors: Vec<ActorId> =
            self.everybody().into_iter().filter(|actor| actor.category() == category).collect();
        actors.sort_by_key(ActorId::subject);
        actors.retain(|actor| after.is_none_or(|after| actor.subject() > after.subject()));
        actors.truncate(limit);
        actors
    }

    pub(crate) fn save_snapshot(&self, snapshot: &ActorSnapshot) -> SnapshotSaved {
        // Looked at and replaced under one lock, or two racing writers could both find their way free.
        let mut state = self.state();
        let last = state.last;
        let there = state.snapshots.get(&snapshot.actor);
        let there = there.filter(|there| there.head.is_none_or(|head| head.sequence() <= last));
        match there.map(|there| there.version) {
            Some(by) if by > snapshot.version => SnapshotSaved::Superseded { by },
            _ => {
                state.snapshots.insert(snapshot.actor.clone(), snapshot.clone());
                SnapshotSaved::Stored
            }
        }
    }

    /// Replaces the snapshot, whatever is there.
    pub(crate) fn put_snapshot(&self, snapshot: &ActorSnapshot) -> SnapshotSaved {
        self.state().snapshots.insert(snapshot.actor.clone(), snapshot.clone());
        SnapshotSaved::Stored
    }

    pub(crate) fn load_snapshot(&self, actor: &ActorId) -> Option<ActorSnapshot> {
        let last = self.state().last;
        self.any_snapshot(actor).filter(|snapshot| snapshot.head.is_none_or(|head| head.sequence() <= last))
    }

    /// The snapshot, also one that is ahead of the log.
    pub(crate) fn any_snapshot(&self, actor: &ActorId) -> Option<ActorSnapshot> {
        self.state().snapshots.get(actor).cloned()
    }

    pub(crate) fn forget_snapshot(&self, actor: &ActorId) {
        self.state().snapshots.remove(actor);
    }
}

impl State {
    fn of(&self, actor: &ActorId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.actor == *actor)
    }

    fn head(&self, actor: &ActorId) -> Head {
        let bound = || match (self.limits.max_age, self.snapshots.get(actor)) {
            (Some(_), Some(snapshot)) => Head::new(0, snapshot.version),
            _ => Head::NONE,
        };
        self.of(actor).next_back().map_or_else(bound, |entry| entry.commit.head)
    }

    /// The first commit that is there, if there were others before it.
    fn hole(&self, actor: &ActorId) -> Option<Head> {
        self.of(actor).next().filter(|entry| !entry.first).map(|entry| entry.commit.head)
    }

    fn incomplete(&self, actor: &ActorId) -> ReadError {
        let first = self.of(actor).flat_map(|entry| &entry.commit.events).map(|event| event.version()).next();
        HistoryIncomplete::new(actor.clone(), first).into()
    }

    fn expire(&mut self) {
        let Some(max_age) = self.limits.max_age else { return };
        let young = OffsetDateTime::now_utc() - max_age;
        let expired = self.entries.iter().take_while(|entry| entry.commit.recorded_at < young).count();
        for entry in self.entries.drain(..expired) {
            self.expired = entry.commit.events.last().map(|event| event.position).or(self.expired);
        }
    }

    fn save(&mut self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let parts = commit.parts()?;
        let size = size(parts.iter().flat_map(|part| part.events().iter().copied()));
        if size > MAX_COMMIT {
            return Err(SaveError::TooLarge { size, limit: MAX_COMMIT });
        }
        if let Err(conflict) = parts.iter().try_for_each(|part| part.check(self.head(part.actor()))) {
            return self.search(&parts).ok_or(conflict.into());
        }
        if self.limits.max_bytes.is_some_and(|max| self.bytes + size as u64 > max) {
            return Err(SaveError::StoreFull { reason: "every byte is taken".to_owned() });
        }
        self.bytes += size as u64;
        Ok(self.append(commit, &parts))
    }

    /// The success of before, if the whole commit is stored.
    fn search(&self, parts: &[Part<'_>]) -> Option<Saved> {
        let mut found: Vec<(ActorId, RecordedAt)> = Vec::new();
        for part in parts {
            let mut search = part.search();
            let _ =
                self.of(part.actor()).rev().take(StoredSearch::LIMIT).any(|entry| search.see(&entry.commit));
            let Stored::All(at) = search.outcome() else { return None };
            found.push((part.actor().clone(), at));
        }
        let position = found.last()?.1.position;
        let heads = found.into_iter().map(|(actor, at)| (actor, at.head));
        saved(heads.collect(), position)
    }

    fn append(&mut self, commit: &Commit<'_>, parts: &[Part<'_>]) -> Saved {
        let mut heads = Vec::new();
        let mut position = Position::new(0, 0);
        for part in parts {
            let head;
            (head, position) = self.append_part(commit, part, parts);
            heads.push((part.actor().clone(), head));
        }
        saved(heads, position).unwrap()
    }

    fn append_part(&mut self, commit: &Commit<'_>, part: &Part<'_>, parts: &[Part<'_>]) -> (Head, Position) {
        let now = OffsetDateTime::now_utc();
        self.last += SEQUENCE_GAP;
        let several = parts.len() > 1;
        let actors = || parts.iter().map(|part| part.actor().clone()).collect();
        let marks = several.then(|| Arc::new(CommitMarks::new(commit.id(), part.index(), actors())));
        let before = self.head(part.actor());
        let head = Head::new(self.last, part.version_after(before));
        let mut position = Position::new(self.last, 0);
        let mut events = Vec::new();
        for (index, event) in (0..).zip(part.events()) {
            position = Position::new(self.last, index * INDEX_GAP);
            events.push(RecordedEvent::new((*event).clone(), position, now, marks.clone()));
        }
        let id = (several || events.is_empty()).then_some(commit.id());
        let commit = RecordedCommit::new(head, events, part.note_bytes(), id, now);
        let first = before.sequence() == 0;
        self.entries.push(Entry { actor: part.actor().clone(), commit, first });
        (head, position)
    }
}

impl Entry {
    fn sequence(&self) -> u64 {
        self.commit.head.sequence()
    }

    /// Its events; where it stands, if it has none.
    fn places(&self) -> impl Iterator<Item = Next> {
        let none = self.commit.events.is_empty().then(|| Next::NoEvent(Position::new(self.sequence(), 0)));
        self.commit.events.iter().cloned().map(Next::Event).chain(none)
    }
}

impl Next {
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Event(event) => event.position,
            Self::NoEvent(position) => *position,
        }
    }
}

fn saved(heads: Vec<(ActorId, Head)>, position: Position) -> Option<Saved> {
    match &heads[..] {
        [(_, head)] => Some(Saved::new(*head, position)),
        _ => Saved::of_actors(heads, position),
    }
}

fn size<'a>(events: impl Iterator<Item = &'a Event>) -> usize {
    events.map(Event::size).sum()
}

/// A conflict of `commit` with the actor's version.
pub(crate) fn conflict(part: &Part<'_>, current: Version) -> SaveError {
    VersionConflict::new(part.actor().clone(), current, part.attempted()).into()
}
