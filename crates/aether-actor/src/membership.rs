//! [`Membership`]: a part in a consumer group, taken up again when it fails; and [`Running`], the parts of a reactor.

use std::sync::Arc;
use std::time::Duration;

use aether_group::{GroupBuilder, GroupError, Handler, Member};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long to wait before joining again; doubled from one failure to the next, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A part in a consumer group. When it fails, which outages do not make it, it is taken up again. Dropping it ends it at
/// once.
#[derive(Debug)]
pub(crate) struct Membership {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Membership {
    /// Joins the group.
    pub(crate) async fn join(group: GroupBuilder, handler: impl Handler) -> Result<Self, GroupError> {
        let handler: Arc<dyn Handler> = Arc::new(handler);
        let member = group.clone().join(Arc::clone(&handler)).await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(keep(group, handler, member, stop.clone()));
        Ok(Self { stop, task: AbortOnDropHandle::new(task) })
    }

    /// Leaves the group within the deadline.
    pub(crate) async fn stop(mut self, deadline: Instant) {
        self.stop.cancel();
        match tokio::time::timeout_at(deadline, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "what follows the events has panicked"),
            Err(_) => tracing::warn!("a consumer did not stop within the deadline"),
        }
    }
}

/// A reactor that is running. Dropping it aborts it.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Its part in consumer groups.
    pub(crate) members: Vec<Membership>,
    /// Its tasks.
    pub(crate) tasks: Vec<AbortOnDropHandle<()>>,
}

impl Running {
    /// Stops it within the deadline.
    pub(crate) async fn stop(self, deadline: Instant) {
        futures_util::future::join_all(self.members.into_iter().map(|member| member.stop(deadline))).await;
        for task in self.tasks {
            task.abort();
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "what follows the events has panicked");
            }
        }
    }
}

/// Stays in the group until it is told to leave.
async fn keep(group: GroupBuilder, handler: Arc<dyn Handler>, mut member: Member, stop: CancellationToken) {
    let mut wait = AGAIN.0;
    loop {
        let begun = Instant::now();
        let ended = tokio::select! {
            ended = member.closed() => ended,
            () = stop.cancelled() => {
                if let Err(error) = member.stop().await {
                    tracing::warn!(%error, "a consumer did not stop in order");
                }
                return;
            }
        };
        if begun.elapsed() > AGAIN.1 {
            wait = AGAIN.0;
        }
        let mut failure = match ended {
            Ok(()) => String::from("it has ended"),
            Err(error) => error.to_string(),
        };
        member = loop {
            tracing::error!(failure, ?wait, "a consumer has failed; it begins again");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            wait = (wait * 2).min(AGAIN.1);
            match group.clone().join(Arc::clone(&handler)).await {
                Ok(member) => break member,
                Err(error) => failure = error.to_string(),
            }
        };
    }
}
