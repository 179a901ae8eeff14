//! [`Member`]: a process at work in a group.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{Position, Subscribe};
use aether_telemetry::panic;
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::builder::Options;
use crate::driver::{Command, Driver};
use crate::record::Keys;
use crate::{GroupError, Handler, MemberId, Progress, settings};

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
        let settings = settings::agree(&options, &keys, &*store, &*coordination).await?;
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

    /// Who it is.
    #[must_use]
    pub fn id(&self) -> &MemberId {
        &self.id
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// How far it is, as it goes on; a few times a second at most. It ends when the member does.
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

    /// Why it has failed, if it has.
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
