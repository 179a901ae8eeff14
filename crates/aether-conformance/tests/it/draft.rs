//! What faults are made with: commits and events taken apart, changed, and put together again.

use aether_core::{
    ActorId, Commit, Event, Expected, Metadata, Payload, RecordedEvent, Rule, SaveError, Stored, Version,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::plain::Plain;

/// A commit taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) events: Vec<Event>,
    pub(crate) terms: Vec<Terms>,
}

/// What a commit says of one actor.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) actor: ActorId,
    pub(crate) expected: Expected,
    pub(crate) note: Option<Vec<u8>>,
}

impl Draft {
    /// Takes a commit apart; an invalid one falls into nothing.
    pub(crate) fn of(commit: &Commit<'_>) -> Self {
        let parts = commit.parts();
        let parts = parts.iter().flat_map(|parts| parts.iter());
        let mut draft = Self { events: Vec::new(), terms: Vec::new() };
        for part in parts {
            draft.events.extend(part.events().iter().map(|event| (*event).clone()));
            let note = part.note().map(<[u8]>::to_vec);
            draft.terms.push(Terms { actor: part.actor().clone(), expected: part.expected(), note });
        }
        draft
    }

    /// Whether it has no events. Put together again such a commit would have another id.
    pub(crate) fn is_note(&self) -> bool {
        self.events.is_empty()
    }

    /// Puts it together again; a part that has neither events nor a head any more is left out.
    pub(crate) fn commit(&self) -> Commit<'_> {
        self.terms.iter().fold(Commit::events(&self.events), |commit, terms| {
            let has_events = self.events.iter().any(|event| *event.actor() == terms.actor);
            if !has_events && !matches!(terms.expected, Expected::At(_)) {
                return commit;
            }
            let commit = commit.expecting_of(&terms.actor, terms.expected);
            match &terms.note {
                Some(note) => commit.with_note_of(&terms.actor, note),
                None => commit,
            }
        })
    }

    /// One draft for each actor.
    pub(crate) fn by_actor(&self) -> Vec<Self> {
        let of = |terms: &Terms| Self {
            events: self.events.iter().filter(|event| *event.actor() == terms.actor).cloned().collect(),
            terms: vec![terms.clone()],
        };
        self.terms.iter().map(of).filter(|draft| !draft.is_note()).collect()
    }
}

/// How much of a commit is stored.
pub(crate) fn stored(plain: &Plain, commit: &Commit<'_>) -> Vec<(ActorId, Stored)> {
    let parts = commit.parts();
    let parts = parts.iter().flat_map(|parts| parts.iter());
    let look = |part: &aether_core::Part<'_>| {
        let mut search = part.search();
        let commits = plain.commits(part.actor(), aether_core::Head::NONE).items;
        let _ = commits.iter().rev().any(|commit| search.see(commit));
        (part.actor().clone(), search.outcome())
    };
    parts.map(look).collect()
}

/// Whether all of a commit is stored.
pub(crate) fn is_stored(plain: &Plain, commit: &Commit<'_>) -> bool {
    let found = stored(plain, commit);
    !found.is_empty() && found.iter().all(|(_, stored)| matches!(stored, Stored::All(_)))
}

/// The error of a store that says so of a commit, whatever is the case.
pub(crate) fn conflict(plain: &Plain, commit: &Commit<'_>) -> SaveError {
    let parts = commit.parts().unwrap();
    crate::plain::conflict(&parts[0], plain.head(parts[0].actor()).version())
}

/// The rule that a save was invalid by.
pub(crate) fn broken_rule<T>(answer: &Result<T, SaveError>) -> Option<&Rule> {
    match answer {
        Err(SaveError::Invalid(invalid)) => Some(invalid.rule()),
        _ => None,
    }
}

/// An event taken apart.
pub(crate) struct Fields {
    pub(crate) id: Uuid,
    pub(crate) actor: ActorId,
    pub(crate) version: Version,
    pub(crate) event_type: String,
    pub(crate) payload: Payload,
    pub(crate) metadata: Metadata,
    pub(crate) timestamp: OffsetDateTime,
}

/// The event with other fields.
pub(crate) fn remake(event: &Event, change: impl FnOnce(&mut Fields)) -> Event {
    let mut fields = Fields {
        id: event.id(),
        actor: event.actor().clone(),
        version: event.version(),
        event_type: event.event_type().to_owned(),
        payload: event.payload().clone(),
        metadata: event.metadata().clone(),
        timestamp: event.timestamp(),
    };
    change(&mut fields);
    let mut builder = Event::builder(&fields.actor, fields.version, fields.event_type)
        .id(fields.id)
        .payload(fields.payload)
        .timestamp(fields.timestamp);
    let metadata = fields.metadata;
    if let Some(id) = metadata.command_id {
        builder = builder.command_id(id);
    }
    if let Some(id) = metadata.correlation_id {
        builder = builder.correlation_id(id);
    }
    if let Some(id) = metadata.causation_id {
        builder = builder.causation_id(id);
    }
    if let Some(traceparent) = metadata.traceparent {
        builder = builder.traceparent(traceparent);
    }
    metadata
        .user
        .into_iter()
        .fold(builder, |builder, (key, value)| builder.metadata(key, value))
        .build()
        .unwrap()
}

/// The recorded event with other fields.
pub(crate) fn remade(mut recorded: RecordedEvent, change: impl FnOnce(&mut Fields)) -> RecordedEvent {
    recorded.event = remake(&recorded.event, change);
    recorded
}
