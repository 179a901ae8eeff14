//! [`Member`]: a process at work in a group, and its [`Progress`].

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{Position, Subscribe};
use aether_telemetry::panic;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::builder::Options;
use crate::driver::{Command, Driver};
use crate::record::Keys;
use crate::{Epoch, GroupError, Handler, Partition, record};

/// How many commands may wait. Whoever gives one more waits.
const COMMANDS: usize = 64;

type Ended = Option<Result<(), Arc<GroupError>>>;

/// A member of a group. It works by itself until it is stopped, dropped, or fails.
///
/// Dropping it ends it at once, as if the process had died: what is being handled is abandoned, and the others take its
/// partitions when they have not heard it for the suspicion. [`stop`](Self::stop) is the way to leave.
#[derive(Debug)]
pub struct Member {
    id: MemberId,
    commands: mpsc::Sender<Command>,
    progress: watch::Receiver<Progress>,
    ended: watch::Receiver<Ended>,
    stop_within: Duration,
    engine: JoinHandle<()>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl Member {
    pub(crate) async fn join(
        options: Options,
        store: Arc<dyn Subscribe>,
        coordination: Arc<dyn Coordination>,
        handler: Arc<dyn Handler>,
    ) -> Result<Self, GroupError> {
        let incarnation = Uuid::now_v7();
        let name = options.member.clone().unwrap_or_else(|| incarnation.simple().to_string());
        let id = MemberId::new(name, incarnation);
        let stop_within = options.stop_within;
        let keys = Keys::new(&options.group);
        let settings = record::agree(&options, &keys, &*store, &*coordination).await?;
        let (commands, received) = mpsc::channel(COMMANDS);
        let (told, progress) = watch::channel(Progress::default());
        let driver =
            Driver::new(id.clone(), options, settings, store, coordination, handler, (received, told))
                .await?;
        let (end, ended) = watch::channel(None);
        let engine = tokio::spawn(async move {
            let result = match AssertUnwindSafe(driver.run()).catch_unwind().await {
                Ok(result) => result,
                Err(panic) => Err(GroupError::Panicked(panic::message(&*panic).to_owned())),
            };
            if let Err(error) = &result {
                tracing::error!(%error, "a member of a group has failed");
            }
            end.send_replace(Some(result.map_err(Arc::new)));
        });
        Ok(Self { id, commands, progress, ended, stop_within, engine })
    }

    /// Returns the identity of the member.
    #[must_use]
    pub fn id(&self) -> &MemberId {
        &self.id
    }

    /// Returns the progress.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Returns a watch on the progress, updated at most a few times a second. The watch ends with the member.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Waits until the whole group, not only this member, has handled everything up to a position, such as the one that a
    /// save has reported. The events of parked actors count as handled. Without a deadline of its own.
    ///
    /// # Errors
    /// [`GroupError::Stopped`] if the member has stopped or failed.
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn wait_for(&self, position: Position) -> Result<(), GroupError> {
        let (reply, reached) = oneshot::channel();
        self.commands.send(Command::Wait(position, reply)).await.map_err(|_| GroupError::Stopped)?;
        reached.await.map_err(|_| GroupError::Stopped)
    }

    /// Returns the error with which the member has failed, if it has.
    #[must_use]
    pub fn failed(&self) -> Option<Arc<GroupError>> {
        self.ended.borrow().as_ref().and_then(|ended| ended.as_ref().err().cloned())
    }

    /// Waits until the member has ended by itself.
    ///
    /// # Errors
    /// Why it has failed.
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn closed(&self) -> Result<(), Arc<GroupError>> {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await;
        match ended.as_deref() {
            Ok(Some(result)) => result.clone(),
            // The runtime has been shut down.
            Ok(None) | Err(_) => Err(Arc::new(GroupError::Stopped)),
        }
    }

    /// Leaves the group: begins nothing more, waits for what is being handled, writes the last checkpoints and releases
    /// the partitions, which the others take at once.
    ///
    /// # Errors
    /// [`GroupError::StopTimedOut`] if that takes longer than [`stop_within`](crate::GroupBuilder::stop_within); why it
    /// had failed, if it had.
    ///
    /// # Cancel safety
    /// Dropping the future ends the member at once, as dropping the member does.
    pub async fn stop(self) -> Result<(), Arc<GroupError>> {
        let stopped = async {
            // One that has ended by itself does not listen any more.
            let _ = self.commands.send(Command::Stop).await;
            self.closed().await
        };
        match tokio::time::timeout(self.stop_within, stopped).await {
            Ok(result) => result,
            Err(_) => Err(Arc::new(GroupError::StopTimedOut(self.stop_within))),
        }
    }
}

/// One member of a group, as long as it runs: joining again makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberId {
    /// The name of the member.
    pub name: String,
    /// The incarnation: one run of a member of that name.
    pub incarnation: Uuid,
}

impl MemberId {
    /// The member of this name and run.
    #[must_use]
    pub fn new(name: impl Into<String>, incarnation: Uuid) -> Self {
        Self { name: name.into(), incarnation }
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.incarnation)
    }
}

/// The progress of a member. The counts are of this member alone and begin with it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// The partitions that it has.
    pub partitions: BTreeMap<Partition, PartitionProgress>,
    /// The number of members of the group that it hears, itself included; 0 before it has heard itself.
    pub members: usize,
    /// `true` while it hears nobody, not even itself, and therefore begins nothing.
    pub cut_off: bool,
    /// `true` once it has read all that was saved before it began to read, or before it fell behind.
    pub caught_up: bool,
    /// The position of the last event that it has read; `None` if it has read nothing.
    pub read: Option<Position>,
    /// Up to where all of its partitions have been handled; `None` if one of them has not begun.
    pub handled_through: Option<Position>,
    /// The age of the oldest event that it has read and not finished; if there is none and it has not caught up, how
    /// old the last one was that it read. By the clocks of store and member. Zero if it has nothing to do.
    pub lag: Duration,
    /// Events read and not finished.
    pub unfinished: usize,
    /// Events handled.
    pub handled: u64,
    /// Events handled in a second, over the last few seconds.
    pub events_per_second: f64,
    /// Attempts that failed and were, or will be, made again.
    pub retried: u64,
    /// The number of times that it has parked an actor.
    pub parked: u64,
    /// Checkpoints that were refused, since the partition belonged to another member.
    pub refused_checkpoints: u64,
    /// Partitions that it has gained, in all.
    pub gained: u64,
    /// Partitions that it has lost or released, in all.
    pub lost: u64,
}

/// The progress of a partition.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartitionProgress {
    /// The epoch of the claim by which the member has it.
    pub epoch: Epoch,
    /// Up to where it has been handled; `None` if nothing has been.
    pub position: Option<Position>,
    /// Events of it that are read and not finished.
    pub unfinished: usize,
    /// The number of its actors that are parked.
    pub parked: usize,
    /// `true` while an actor has to be parked and the limits allow no more: only that actor's events are tried.
    pub halted: bool,
}

impl Progress {
    /// Returns the number of actors that are parked in the member's partitions.
    #[must_use]
    pub fn parked_actors(&self) -> usize {
        self.partitions.values().map(|partition| partition.parked).sum()
    }
}
