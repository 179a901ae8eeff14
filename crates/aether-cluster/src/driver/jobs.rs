//! What takes a while: reading and writing keys, listening, and waiting for what is under way.

use std::sync::Arc;

use aether_coordination::{CoordinationError, Revision};
use bytes::Bytes;

use super::Driver;
use super::hands::Did;
use crate::ShardId;
use crate::engine::{Action, Found};
use crate::record::Name;

/// How a job has ended.
pub(super) enum Done {
    Wrote(u64, Name, Result<Revision, CoordinationError>),
    Deleted,
    Looked(Name, Result<Found, CoordinationError>),
    LookedAtAll(Result<Vec<(Name, Bytes, Revision)>, CoordinationError>),
    /// The orders for a shard are done.
    Did(ShardId, Did),
    /// Nothing is under way for it any more.
    Drained(ShardId),
}

impl Driver {
    /// Begins what the engine asks for.
    pub(super) fn start(&mut self, action: Action) {
        let (keys, coordination) = (Arc::clone(&self.keys), Arc::clone(&self.coordination));
        match action {
            Action::Put(number, name, value, condition) => {
                self.jobs.spawn(async move {
                    let result = coordination.put(&keys.of(&name), value, condition).await;
                    Done::Wrote(number, name, result)
                });
            }
            Action::Delete(name, revision) => {
                self.jobs.spawn(async move {
                    if let Err(error) = coordination.delete(&keys.of(&name), revision).await {
                        tracing::debug!(?name, %error, "a key was not deleted");
                    }
                    Done::Deleted
                });
            }
            Action::Look(name) => {
                self.jobs.spawn(async move {
                    let found = coordination.get(&keys.of(&name)).await;
                    Done::Looked(name, found.map(|found| found.map(|entry| (entry.value, entry.revision))))
                });
            }
            Action::LookAtAll => {
                self.jobs.spawn(async move {
                    let entries = coordination.entries(&keys.cluster).await;
                    let named = |entries: Vec<aether_coordination::Entry>| {
                        entries
                            .into_iter()
                            .filter_map(|entry| {
                                Some((keys.name_of(&entry.key)?, entry.value, entry.revision))
                            })
                            .collect()
                    };
                    Done::LookedAtAll(entries.map(named))
                });
            }
            // These are done at once, by the driver itself.
            Action::Send(_)
            | Action::Shard(..)
            | Action::Hears(_)
            | Action::Tell(_)
            | Action::Stopped
            | Action::Fail(_) => {}
        }
    }
}
