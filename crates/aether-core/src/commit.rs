//! [`Commit`]: what is saved in one go, and what it expects.

use std::collections::HashSet;

use bytes::Bytes;
use smallvec::SmallVec;
use uuid::Uuid;

use crate::error::{InvalidEvent, Rule, VersionConflict};
use crate::{ActorId, Event, Head, RecordedCommit, Version};

/// The most actors that one commit can be over.
pub const MAX_ACTORS: usize = 100;

/// The state of an actor that a save expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Expected {
    /// The plain version rule, which always holds too: every version is strictly above the actor's latest.
    ///
    /// With gaps in the versions it lets a writer at 5 save 10 over somebody's unseen 7, so whoever has decided on a
    /// state saves with [`Exact`](Self::Exact) or [`At`](Self::At).
    #[default]
    Ascending,
    /// The actor is at this version.
    Exact(Version),
    /// The actor has no events.
    NoEvents,
    /// The actor's last commit is this one: nothing at all has been committed since.
    At(Head),
}

/// A unit of saving: one or more events of one or more actors, saved all or nothing.
///
/// Borrows its events: after a conflict the caller still has them. Events of several actors are stored actor by actor,
/// in the order in which the actors first come: `[a1, b1, a2]` is stored as a1, a2, b1.
///
/// ```
/// use aether_core::{ActorId, Commit, Event, Expected, Version};
///
/// let order = ActorId::new("order-123")?;
/// let placed = Event::new(&order, Version::new(1), "OrderPlaced", &100)?;
/// let commit = Commit::event(&placed).expecting(Expected::NoEvents);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a commit does nothing until it is saved"]
pub struct Commit<'a> {
    id: Uuid,
    events: &'a [Event],
    terms: SmallVec<[Terms<'a>; 1]>,
}

#[derive(Debug, Clone, Copy)]
struct Terms<'a> {
    /// `None`: the actor of the first event.
    actor: Option<&'a ActorId>,
    expected: Expected,
    note: Option<&'a [u8]>,
}

impl<'a> Commit<'a> {
    /// A commit of one event.
    pub fn event(event: &'a Event) -> Self {
        Self::events(std::slice::from_ref(event))
    }

    /// A commit of these events.
    pub fn events(events: &'a [Event]) -> Self {
        // The first event's id names the commit too: the same commit saved again has the same name.
        Self { id: events.first().map_or_else(Uuid::nil, Event::id), events, terms: SmallVec::new() }
    }

    /// A commit without events: only a note, decided on `head`.
    ///
    /// It is recognised by a fresh id when this same value is saved again.
    pub fn note_only(actor: &'a ActorId, head: Head, note: &'a [u8]) -> Self {
        Self { id: Uuid::now_v7(), events: &[], terms: SmallVec::new() }
            .expecting_of(actor, Expected::At(head))
            .with_note_of(actor, note)
    }

    /// Sets the expectation for the first event's actor.
    pub fn expecting(mut self, expected: Expected) -> Self {
        self.terms_of(None).expected = expected;
        self
    }

    /// Sets the expectation for this actor. An actor that has no events in the commit becomes part of it, with a commit
    /// without events.
    pub fn expecting_of(mut self, actor: &'a ActorId, expected: Expected) -> Self {
        self.terms_of(Some(actor)).expected = expected;
        self
    }

    /// A note for the first event's actor: opaque bytes that come back with the commit and that readers of events do
    /// not see.
    pub fn with_note(mut self, note: &'a [u8]) -> Self {
        self.terms_of(None).note = Some(note);
        self
    }

    /// A note for this actor.
    pub fn with_note_of(mut self, actor: &'a ActorId, note: &'a [u8]) -> Self {
        self.terms_of(Some(actor)).note = Some(note);
        self
    }

    fn terms_of(&mut self, actor: Option<&'a ActorId>) -> &mut Terms<'a> {
        let actor = actor.or_else(|| self.events.first().map(Event::actor));
        let index = self.terms.iter().position(|terms| terms.actor == actor).unwrap_or_else(|| {
            self.terms.push(Terms { actor, expected: Expected::default(), note: None });
            self.terms.len() - 1
        });
        &mut self.terms[index]
    }

    /// The name of the commit: the id of its first event, or what [`note_only`](Self::note_only) made.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its events, in the order in which they were given.
    #[must_use]
    pub fn as_events(&self) -> &'a [Event] {
        self.events
    }

    /// Returns, for stores, the same commit over the same events with other metadata.
    pub fn with_events<'e>(&'e self, events: &'e [Event]) -> Commit<'e> {
        let terms = self.terms.iter().map(|terms| Terms { ..*terms });
        Commit { id: self.id, events, terms: terms.collect() }
    }

    /// Returns, for stores, the parts of the commit, one for each actor, in the order in which they are stored.
    ///
    /// # Errors
    /// [`InvalidEvent`] if the commit breaks a rule that holds whatever is stored.
    pub fn parts(&self) -> Result<Parts<'a>, InvalidEvent> {
        let mut parts: SmallVec<[Part<'a>; 1]> = SmallVec::new();
        for event in self.events {
            match part_of(&mut parts, event.actor()) {
                Some(part) => {
                    if event.version() <= part.last_version() {
                        return Err(InvalidEvent::of_event(
                            Rule::VersionsNotAscending,
                            event.actor(),
                            event.id(),
                        ));
                    }
                    part.events.push(event);
                }
                None => {
                    let mut part = Part::new(self.id, event.actor());
                    part.events.push(event);
                    parts.push(part);
                }
            }
        }
        for terms in &self.terms {
            let Some(actor) = terms.actor else { continue };
            if part_of(&mut parts, actor).is_none() {
                parts.push(Part::new(self.id, actor));
            }
            if let Some(part) = part_of(&mut parts, actor) {
                part.expected = terms.expected;
                part.note = terms.note;
            }
        }
        self.check(&parts)?;
        for (index, part) in parts.iter_mut().enumerate() {
            part.index = u32::try_from(index).unwrap_or(u32::MAX);
        }
        Ok(Parts(parts))
    }

    fn check(&self, parts: &[Part<'a>]) -> Result<(), InvalidEvent> {
        if parts.is_empty() {
            return Err(InvalidEvent::new(Rule::EmptyCommit));
        }
        if parts.len() > MAX_ACTORS {
            return Err(InvalidEvent::new(Rule::TooManyActors { actors: parts.len() }));
        }
        let without_head =
            |part: &&Part<'_>| part.events.is_empty() && !matches!(part.expected, Expected::At(_));
        if let Some(part) = parts.iter().find(without_head) {
            return Err(InvalidEvent::of_actor(Rule::NoEventsWithoutHead, part.actor));
        }
        if self.events.len() > 1 {
            let mut ids = HashSet::with_capacity(self.events.len());
            if let Some(twice) = self.events.iter().find(|event| !ids.insert(event.id())) {
                return Err(InvalidEvent::of_event(Rule::DuplicateId, twice.actor(), twice.id()));
            }
        }
        Ok(())
    }
}

fn part_of<'p, 'a>(parts: &'p mut [Part<'a>], actor: &ActorId) -> Option<&'p mut Part<'a>> {
    parts.iter_mut().find(|part| part.actor == actor)
}

/// The parts of a valid commit, one for each actor and at least one. For stores.
#[derive(Debug, Clone)]
pub struct Parts<'a>(SmallVec<[Part<'a>; 1]>);

impl<'a> std::ops::Deref for Parts<'a> {
    type Target = [Part<'a>];

    fn deref(&self) -> &[Part<'a>] {
        &self.0
    }
}

/// One actor's part of a commit. For stores.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    commit: Uuid,
    index: u32,
    actor: &'a ActorId,
    events: PartEvents<'a>,
    expected: Expected,
    note: Option<&'a [u8]>,
}

/// One event needs no allocation. (A `SmallVec` here would make `Part` invariant.)
#[derive(Debug, Clone)]
enum PartEvents<'a> {
    One([&'a Event; 1]),
    Any(Vec<&'a Event>),
}

impl<'a> PartEvents<'a> {
    fn push(&mut self, event: &'a Event) {
        match self {
            Self::Any(events) if events.is_empty() => *self = Self::One([event]),
            Self::Any(events) => events.push(event),
            Self::One([first]) => *self = Self::Any(vec![first, event]),
        }
    }
}

impl<'a> std::ops::Deref for PartEvents<'a> {
    type Target = [&'a Event];

    fn deref(&self) -> &[&'a Event] {
        match self {
            Self::One(event) => event,
            Self::Any(events) => events,
        }
    }
}

impl<'a> Part<'a> {
    fn new(commit: Uuid, actor: &'a ActorId) -> Self {
        Self {
            commit,
            index: 0,
            actor,
            events: PartEvents::Any(Vec::new()),
            expected: Expected::default(),
            note: None,
        }
    }

    /// The name of the whole commit.
    #[must_use]
    pub fn commit_id(&self) -> Uuid {
        self.commit
    }

    /// Returns the index of the part in its commit.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The actor.
    #[must_use]
    pub fn actor(&self) -> &'a ActorId {
        self.actor
    }

    /// Its events, in strictly ascending versions; maybe none.
    #[must_use]
    pub fn events(&self) -> &[&'a Event] {
        &self.events
    }

    /// Returns the expectation for the actor.
    #[must_use]
    pub fn expected(&self) -> Expected {
        self.expected
    }

    /// The note.
    #[must_use]
    pub fn note(&self) -> Option<&'a [u8]> {
        self.note
    }

    /// The note, as bytes that can be kept.
    #[must_use]
    pub fn note_bytes(&self) -> Option<Bytes> {
        self.note.map(Bytes::copy_from_slice)
    }

    /// The version that the conflict error calls attempted: the first event's, or the head's if there are no events.
    #[must_use]
    pub fn attempted(&self) -> Version {
        match (self.events.first(), self.expected) {
            (Some(first), _) => first.version(),
            (None, Expected::At(head)) => head.version(),
            (None, _) => Version::ZERO,
        }
    }

    /// The last event's version; 0 if there are no events.
    fn last_version(&self) -> Version {
        self.events.last().map_or(Version::ZERO, |event| event.version())
    }

    /// The actor's version after this commit, if its head was `before`.
    #[must_use]
    pub fn version_after(&self, before: Head) -> Version {
        self.last_version().max(before.version())
    }

    /// Checks whether the part may be saved when the actor's last commit is `head`.
    ///
    /// # Errors
    /// [`VersionConflict`] if not.
    pub fn check(&self, head: Head) -> Result<(), VersionConflict> {
        let ascending = self.events.first().is_none_or(|first| first.version() > head.version());
        let expected = match self.expected {
            Expected::Ascending => true,
            Expected::Exact(version) => version == head.version(),
            Expected::NoEvents => head.version().is_zero(),
            Expected::At(expected) => expected.sequence() == head.sequence(),
        };
        if ascending && expected {
            return Ok(());
        }
        Err(VersionConflict::new(self.actor.clone(), head.version(), self.attempted()))
    }

    /// Starts looking for this part among the commits that are stored already.
    #[must_use]
    pub fn search(&self) -> StoredSearch<'_> {
        StoredSearch { part: self, found: 0, differs: false, last: None }
    }
}

/// A search for a part among the stored commits, newest first. For stores.
#[derive(Debug)]
pub struct StoredSearch<'p> {
    part: &'p Part<'p>,
    found: usize,
    differs: bool,
    last: Option<RecordedAt>,
}

/// The stored commit at which a part that was searched for ends.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RecordedAt {
    /// The actor's head after that commit.
    pub head: Head,
    /// The position of the last event of the part; of a part without events, of its commit.
    pub position: crate::Position,
}

/// The result of a [`StoredSearch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored {
    /// All of the part is stored: the save has succeeded before.
    All(RecordedAt),
    /// Some of its events are stored, or under other versions: a conflict.
    Some,
    /// Nothing of it is stored.
    None,
}

impl StoredSearch<'_> {
    /// The most commits that are looked through.
    pub const LIMIT: usize = 1024;

    /// Looks at the commit before those seen so far. Whether the search is over.
    pub fn see(&mut self, commit: &RecordedCommit) -> bool {
        let part = self.part;
        if part.events.is_empty() {
            if commit.id == Some(part.commit) && commit.events.is_empty() {
                self.found = 1;
                let position = crate::Position::new(commit.head.sequence(), 0);
                self.last = Some(RecordedAt { head: commit.head, position });
            }
            let Expected::At(head) = part.expected else { return true };
            return self.found == 1 || commit.head.sequence() <= head.sequence();
        }
        for recorded in commit.events.iter().rev() {
            for ours in part.events.iter() {
                if ours.id() == recorded.id() {
                    self.found += 1;
                    self.differs |= ours.version() != recorded.version();
                    self.last.get_or_insert(RecordedAt { head: commit.head, position: recorded.position });
                }
            }
        }
        let first_seen = commit.events.first().map(|event| event.version());
        self.found == part.events.len() || first_seen.is_some_and(|version| version <= part.attempted())
    }

    /// Returns the result.
    #[must_use]
    pub fn outcome(self) -> Stored {
        let whole = self.part.events.len().max(1);
        match self.last {
            Some(at) if self.found == whole && !self.differs => Stored::All(at),
            Some(_) => Stored::Some,
            None => Stored::None,
        }
    }
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
