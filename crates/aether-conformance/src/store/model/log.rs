//! [`Log`]: the model. What a store holds, in vectors, and the answer that it owes to each save.

use std::collections::BTreeMap;

use aether_core::{ActorId, Commit, Event, Expected, Head, Saved};

/// A commit as it is tried: what is needed to make the same one again.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) events: Vec<Event>,
    pub(super) terms: BTreeMap<ActorId, (Expected, Option<Vec<u8>>)>,
}

impl Attempt {
    pub(super) fn commit(&self) -> Commit<'_> {
        self.terms.iter().fold(Commit::events(&self.events), |commit, (actor, (expected, note))| {
            let commit = commit.expecting_of(actor, *expected);
            match note {
                Some(note) => commit.with_note_of(actor, note),
                None => commit,
            }
        })
    }

    /// The actors, in the order in which they are stored.
    fn actors(&self) -> Vec<&ActorId> {
        let mut actors = Vec::new();
        for event in &self.events {
            if !actors.contains(&event.actor()) {
                actors.push(event.actor());
            }
        }
        actors
    }

    fn events_of(&self, actor: &ActorId) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| event.actor() == actor)
    }
}

/// A commit as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) head: Head,
    pub(super) events: Vec<Event>,
    pub(super) note: Option<Vec<u8>>,
    pub(super) saved: Saved,
}

/// The answer that a save is owed.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It stands.
    Stands,
    /// It has stood since this was answered.
    StoodAlready(Box<Saved>),
    /// It conflicts, on one of these actors.
    Conflicts(Vec<ActorId>),
}

/// All that was saved.
#[derive(Debug, Default)]
pub(super) struct Log {
    actors: BTreeMap<ActorId, Vec<Kept>>,
    all: Vec<Event>,
}

impl Log {
    /// The commits of an actor.
    pub(super) fn commits(&self, actor: &ActorId) -> &[Kept] {
        self.actors.get(actor).map_or(&[], Vec::as_slice)
    }

    /// The events of an actor.
    pub(super) fn events(&self, actor: &ActorId) -> Vec<&Event> {
        self.commits(actor).iter().flat_map(|kept| &kept.events).collect()
    }

    /// All events, in order.
    pub(super) fn all(&self) -> &[Event] {
        &self.all
    }

    pub(super) fn head(&self, actor: &ActorId) -> Head {
        self.commits(actor).last().map_or(Head::NONE, |kept| kept.head)
    }

    pub(super) fn version(&self, actor: &ActorId) -> u64 {
        self.events(actor).last().map_or(0, |event| event.version().get())
    }

    /// What a save of this has to come to.
    pub(super) fn judge(&self, attempt: &Attempt) -> Verdict {
        let stored = |event: &Event| self.events(event.actor()).contains(&event);
        if attempt.events.iter().all(stored) {
            let first = &attempt.events[0];
            let kept = self.commits(first.actor()).iter().find(|kept| kept.events.contains(first));
            if let Some(kept) = kept {
                return Verdict::StoodAlready(Box::new(kept.saved.clone()));
            }
        }
        let conflicts = |actor: &&ActorId| {
            let current = self.version(actor);
            let late = attempt.events_of(actor).any(|event| event.version().get() <= current);
            let unexpected = match attempt.terms.get(*actor).map_or(Expected::Ascending, |terms| terms.0) {
                Expected::Exact(version) => version.get() != current,
                Expected::NoEvents => current != 0,
                Expected::At(head) => head != self.head(actor),
                _ => false,
            };
            late || unexpected
        };
        let conflicting: Vec<ActorId> = attempt.actors().into_iter().filter(conflicts).cloned().collect();
        if conflicting.is_empty() { Verdict::Stands } else { Verdict::Conflicts(conflicting) }
    }

    /// Keeps what the store has saved.
    pub(super) fn keep(&mut self, attempt: &Attempt, saved: &Saved) {
        for actor in attempt.actors() {
            let events: Vec<Event> = attempt.events_of(actor).cloned().collect();
            let note = attempt.terms.get(actor).and_then(|terms| terms.1.clone());
            self.all.extend(events.iter().cloned());
            let head = saved.head_of(actor).unwrap_or_default();
            let kept = Kept { head, events, note, saved: saved.clone() };
            self.actors.entry(actor.clone()).or_default().push(kept);
        }
    }

    /// Keeps a note that was saved alone.
    pub(super) fn keep_note(&mut self, actor: &ActorId, note: &[u8], saved: &Saved) {
        let kept =
            Kept { head: saved.head, events: Vec::new(), note: Some(note.to_vec()), saved: saved.clone() };
        self.actors.entry(actor.clone()).or_default().push(kept);
    }

    /// The actors that have commits.
    pub(super) fn actors(&self) -> Vec<ActorId> {
        let mut actors: Vec<ActorId> = self.actors.keys().cloned().collect();
        actors.sort_by_key(ActorId::subject);
        actors
    }
}
