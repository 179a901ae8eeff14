//! [`EventStore`], the contract of a store; [`EventStoreExt`], the common cases in one call; the [`Clock`] of a store.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use time::OffsetDateTime;

use crate::error::{ReadError, SaveError};
use crate::{
    ActorId, Commit, Event, Expected, Head, Position, ReadFrom, RecordedCommit, RecordedEvent, Version,
};

/// Events, in order.
pub type EventStream = BoxStream<'static, Result<RecordedEvent, ReadError>>;
/// Commits of one actor, in order.
pub type CommitStream = BoxStream<'static, Result<RecordedCommit, ReadError>>;

/// An append-only store of events with a sequence of versions for each actor.
///
/// # The contract
/// - **Immutable.** What is saved stays as it is and comes back as it was, field by field and byte by byte.
/// - **Versions.** Each actor has its own sequence. A saved version is strictly greater than the actor's latest, the
///   first is greater than 0, and gaps are allowed.
/// - **Atomic.** All events of a commit are saved, in one place and in order, or none is; also of several actors, and
///   also when the save is cancelled half way.
/// - **Truthful.** A save is reported as done only if it stands, and as refused only if it does not. Where neither is
///   known, that is what it says ([`SaveError::UnknownOutcome`]).
/// - **Idempotent.** A commit saved again (the same event ids and versions) is the same success, and is not stored a
///   second time, also when others have been saved on top of it. It is looked for down to its first version, through
///   1,024 commits; beyond that it is a version conflict. A commit of which only a part is stored is a conflict.
/// - **Read your writes.** A read that begins after a save was acknowledged sees it, through whatever handle.
/// - **In order.** A reader of all events that has seen a position will never meet a lower one later. Events of one
///   commit follow each other.
///
/// Sugar for the common cases is in [`EventStoreExt`](crate::EventStoreExt). The conformance kit in `aether-conformance`
/// holds a store against this contract.
#[async_trait]
pub trait EventStore: fmt::Debug + Send + Sync {
    /// Saves a commit, all or nothing.
    ///
    /// # Errors
    /// [`SaveError`]. A conflict is never retried here when the commit expects [`Exact`](crate::Expected::Exact),
    /// [`NoEvents`](crate::Expected::NoEvents) or [`At`](crate::Expected::At) and somebody's events are in the way.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the whole commit or nothing of it. To find out which, save the same commit again.
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError>;

    /// Proves that `head` is still the actor's last commit: true only if it was so at a moment between call and return,
    /// which no writer anywhere can have passed unseen.
    ///
    /// # Errors
    /// [`SaveError`], since the proof may be a write.
    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError>;

    /// The actor's last commit; [`Head::NONE`] if it has none.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn get_head(&self, actor: &ActorId) -> Result<Head, ReadError>;

    /// The actor's events of version `from` and above, in order; all of them from [`Version::ZERO`]. Memory is bounded
    /// however long the history.
    ///
    /// # Errors
    /// The stream ends with the first [`ReadError`]. Events below a hole in the history are never left out in silence:
    /// [`ReadError::HistoryIncomplete`] says from which version reading works.
    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream;

    /// The actor's events of version `from` and below, newest first; all of them from [`Version::MAX`].
    ///
    /// # Errors
    /// As [`get_events`](Self::get_events), when the reader reaches the hole.
    fn get_events_backward(&self, actor: &ActorId, from: Version) -> EventStream;

    /// The actor's commits after `after`, in order, also those without events; all of them after [`Head::NONE`]. The
    /// last one's head is the actor's.
    ///
    /// # Errors
    /// As [`get_events`](Self::get_events).
    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream;

    /// The events of all actors in the order of their positions, `limit` of them at most. The stream ends at what was
    /// last when it began, or later.
    ///
    /// # Errors
    /// The stream ends with the first [`ReadError`]; [`ReadError::PositionExpired`] if events after the position are
    /// gone.
    fn get_all(&self, from: ReadFrom, limit: usize) -> EventStream;

    /// The actors of a category that have commits, in the order of their ids' [`subject`](ActorId::subject), after
    /// `after`, `limit` of them at most.
    ///
    /// # Errors
    /// [`ReadError`].
    async fn get_actors(
        &self,
        category: &str,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<Vec<ActorId>, ReadError>;
}

/// A commit that stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Saved {
    /// The version after the commit of the first actor in it.
    pub version: Version,
    /// The position of the commit's last event: whoever has read up to it has read the commit.
    pub position: Position,
    /// The head after the commit of the first actor in it.
    pub head: Head,
    /// The heads of all actors of a commit over several; empty if it was over one.
    others: Vec<(ActorId, Head)>,
}

impl Saved {
    /// Returns, for stores, the outcome of a commit of one actor.
    #[must_use]
    pub fn new(head: Head, position: Position) -> Self {
        Self { version: head.version(), position, head, others: Vec::new() }
    }

    /// Returns, for stores, the outcome of a commit of several actors, in stored order; `None` without any actor.
    #[must_use]
    pub fn of_actors(heads: impl IntoIterator<Item = (ActorId, Head)>, position: Position) -> Option<Self> {
        let others: Vec<(ActorId, Head)> = heads.into_iter().collect();
        let (_, head) = *others.first()?;
        Some(Self { version: head.version(), position, head, others })
    }

    /// The head after the commit of this actor, which the commit must be over; of a commit over one actor, that one's.
    #[must_use]
    pub fn head_of(&self, actor: &ActorId) -> Option<Head> {
        if self.others.is_empty() {
            return Some(self.head);
        }
        self.others.iter().find(|(other, _)| other == actor).map(|(_, head)| *head)
    }
}

/// Sugar over [`EventStore`], for every store and every `dyn EventStore`.
pub trait EventStoreExt: EventStore {
    /// Saves one event by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_event(&self, event: &Event) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::event(event)).await }
    }

    /// Saves several events, all or nothing, by the plain version rule.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_events(&self, events: &[Event]) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::events(events)).await }
    }

    /// Saves several events, all or nothing, if the first one's actor is as `expected`.
    ///
    /// # Errors
    /// As [`EventStore::save`].
    fn save_expecting(
        &self,
        events: &[Event],
        expected: Expected,
    ) -> impl Future<Output = Result<Saved, SaveError>> + Send {
        async move { self.save(&Commit::events(events).expecting(expected)).await }
    }

    /// The actor's latest version; [`Version::ZERO`] if it has no events.
    ///
    /// # Errors
    /// As [`EventStore::get_head`].
    fn get_latest_version(&self, actor: &ActorId) -> impl Future<Output = Result<Version, ReadError>> + Send {
        async move { Ok(self.get_head(actor).await?.version()) }
    }
}

impl<S: EventStore + ?Sized> EventStoreExt for S {}

/// Tells the time. Stores take one, so that tests decide what time it is.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
