//! [`Witness`] and [`Watched`]: which node did what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{ActorId, Commit, EventStore, SaveError, Saved, SnapshotStore, Subscribe, delegate_store};
use aether_nats_server::Frame;
use aether_store_jetstream::JetStreamEventStore;
use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;

/// The commands that nobody sends but process managers and timers. The first that a message has the name of is the one that
/// it carries: an answer that is taken back to a process names the command that it answers, too.
const SENT: [&str; 4] = ["process.TakeAnswer", "process.React", "Reserve", "Ship"];

/// Which node did what.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    saved: Mutex<BTreeMap<ActorId, BTreeSet<String>>>,
    conflicts: AtomicU64,
    mailed: Mutex<Vec<(String, Uuid)>>,
    applied: Mutex<BTreeSet<String>>,
    sent: Mutex<BTreeMap<&'static str, BTreeMap<String, u64>>>,
}

impl Witness {
    /// A node has sent a mail.
    pub(crate) fn mailed(&self, node: &str, id: Uuid) {
        self.mailed.lock().push((node.to_owned(), id));
    }

    /// A node has applied an event.
    pub(crate) fn applied(&self, node: &str) {
        if !self.applied.lock().contains(node) {
            self.applied.lock().insert(node.to_owned());
        }
    }

    /// A node has sent something to the servers.
    pub(crate) fn passes(&self, node: &str, message: &Frame<'_>) {
        if !message.subject.contains(".shard.") {
            return;
        }
        let has = |name: &&str| message.payload.windows(name.len()).any(|text| text == name.as_bytes());
        if let Some(name) = SENT.into_iter().find(has) {
            *self.sent.lock().entry(name).or_default().entry(node.to_owned()).or_default() += 1;
        }
    }

    /// Which nodes have saved anything of each actor.
    pub(crate) fn savers(&self) -> BTreeMap<ActorId, BTreeSet<String>> {
        self.saved.lock().clone()
    }

    /// How many commits were refused, since others had been faster.
    pub(crate) fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// The mails: by whom, and which.
    pub(crate) fn mails(&self) -> Vec<(String, Uuid)> {
        self.mailed.lock().clone()
    }

    /// Who has applied events.
    pub(crate) fn appliers(&self) -> BTreeSet<String> {
        self.applied.lock().clone()
    }

    /// Which nodes have sent each of the commands of process managers and timers to other nodes.
    pub(crate) fn senders(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let sent = self.sent.lock();
        let nodes = |name| sent.get(name).map(|nodes| nodes.keys().cloned().collect()).unwrap_or_default();
        SENT.into_iter().map(|name| (name, nodes(name))).collect()
    }

    /// How often a node has sent one of these commands to other nodes, or tried to.
    pub(crate) fn sent(&self, node: &str, command: &str) -> u64 {
        self.sent.lock().get(command).and_then(|nodes| nodes.get(node)).copied().unwrap_or_default()
    }
}

/// The store of a node, which tells who saves.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) store: JetStreamEventStore,
    pub(crate) node: String,
    pub(crate) witness: Arc<Witness>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("node", &self.node).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for Watched {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let saved = self.store.save(commit).await;
        match &saved {
            Ok(_) => {
                let mut savers = self.witness.saved.lock();
                for event in commit.as_events() {
                    savers.entry(event.actor().clone()).or_default().insert(self.node.clone());
                }
            }
            Err(error) if error.is_version_conflict() => {
                self.witness.conflicts.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        saved
    }

    delegate_store!(self => self.store; confirm, get_head, get_events, get_events_backward, get_commits, get_all,
        get_actors);
}

impl SnapshotStore for Watched {
    delegate_store!(self => self.store; save_snapshot, load_snapshot);
}

impl Subscribe for Watched {
    delegate_store!(self => self.store; subscribe);
}
