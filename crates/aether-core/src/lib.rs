//! The heart of Aether: events, versions, the errors, and the traits that stores keep.
//!
//! This crate knows no runtime and no NATS. A store implements [`EventStore`] and [`SnapshotStore`]; users save and read
//! through them, mostly by [`EventStoreExt`].
//!
//! | to say | there is |
//! |---|---|
//! | who | [`ActorId`], [`Namespace`] |
//! | what happened | [`Event`], [`Payload`], [`Metadata`] |
//! | where it stands | [`Version`] (of an actor), [`Position`] (of a store), [`Head`] (of an actor's log) |
//! | save this | [`Commit`], [`Expected`], [`Saved`] |
//! | what was saved | [`RecordedEvent`], [`RecordedCommit`], [`ActorSnapshot`] |
//! | follow it | [`Subscribe`], [`EventFilter`], [`Delivery`] |
//! | wake somebody up later | [`Timers`], [`Timer`], [`DueTimer`] |
//! | why it was done | [`Context`] |
//! | what went wrong | [`SaveError`], [`ReadError`], [`SnapshotError`], [`TimerError`] |
//! | bytes | [`codec`] |

mod actor_id;
pub mod codec;
mod commit;
mod context;
mod delegate;
mod error;
mod event;
mod filter;
mod namespace;
mod payload;
mod position;
mod recorded;
mod snapshot;
mod store;
mod subscription;
mod timers;
mod token;

pub use actor_id::{ActorId, InvalidActorId};
pub use commit::{Commit, Expected, MAX_ACTORS, Part, Parts, RecordedAt, Stored, StoredSearch};
pub use context::{Context, InContext};
pub use error::{
    HistoryIncomplete, InvalidEvent, ReadError, Rule, SaveError, SnapshotError, Source, Unsupported,
    VersionConflict,
};
pub use event::{Event, EventBuilder, Metadata};
pub use filter::{ActorPattern, EventFilter};
pub use namespace::{InvalidNamespace, Namespace, sanitise};
pub use payload::{JSON, OCTET_STREAM, Payload, PayloadError};
pub use position::{Head, InvalidPosition, Position, ReadFrom, Version};
pub use recorded::{CommitMarks, RecordedCommit, RecordedEvent};
pub use snapshot::{ActorSnapshot, SnapshotSaved, SnapshotStore};
pub use store::{Clock, CommitStream, EventStore, EventStoreExt, EventStream, Saved, SystemClock};
pub use subscription::{Delivery, Subscribe, SubscribeFrom, SubscribeOptions, Subscription};
pub use timers::{DueTimer, DueTimers, Handed, InvalidTimer, Timer, TimerError, TimerId, Timers};

#[doc(hidden)]
pub use futures_core::future::BoxFuture as __BoxFuture;
