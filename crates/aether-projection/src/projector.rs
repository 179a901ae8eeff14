//! [`Projector`]: a running projection, and the metrics that it reports.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{Position, Subscribe};
use aether_group::{
    Batch, ConsumerGroup, GroupAdmin, GroupBuilder, HandleError, Member, Order, ParkLimits, Progress, Retry,
};
use aether_telemetry::metrics::{ProjectionMetrics, ProjectionReport, Timer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::projection::Applying;
use crate::{ProjectionError, Target};

/// How many events are applied in one go, unless it is told otherwise.
const MAX_BATCH: usize = 1_024;

/// A projection at work in this process: the member of a group that has the projection's name.
///
/// An event that cannot be applied parks its actor: what comes later for the actor waits, and all others go on. Once the
/// code is right, [`admin`](Self::admin)`().resume(actor)` applies what has waited, in order.
///
/// Dropping it ends it at once, as if the process had died. [`stop`](Self::stop) is the way to end it.
#[derive(Debug)]
pub struct Projector {
    member: Member,
    admin: GroupAdmin,
    reporting: Reporting,
}

/// Says how a projection is to run.
#[derive(Debug)]
#[must_use = "a projector is made by run()"]
pub struct ProjectorBuilder {
    group: GroupBuilder,
    target: TargetHandle,
    max_batch: usize,
    concurrency: usize,
    namespace: Option<String>,
}

/// A target, for people who print the builder.
struct TargetHandle(Arc<dyn Target>);

impl std::fmt::Debug for TargetHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Projector {
    /// Begins to follow the events of a store, for a target of the user's own. What the group knows is kept in
    /// `coordination`; it must live as long as the target's data. The models have builders of their own.
    pub fn builder(
        store: Arc<dyn Subscribe>,
        coordination: Arc<dyn Coordination>,
        target: impl Target,
    ) -> ProjectorBuilder {
        let group = ConsumerGroup::builder(target.name(), store, coordination);
        let group = group.filter(target.filter()).order(Order::Partition).partitions(1);
        ProjectorBuilder {
            group,
            target: TargetHandle(Arc::new(target)),
            max_batch: MAX_BATCH,
            concurrency: 1,
            namespace: None,
        }
    }

    /// Returns the progress of this process: positions, lag, events in a second, parked actors.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.member.progress()
    }

    /// Returns a watch on the progress.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.member.watch()
    }

    /// Waits until the views have everything up to a position, such as the one that a save has reported, in whatever
    /// process their part of it is made. An event that the projection does not look at counts as soon as it has gone by,
    /// and so does one whose actor is parked.
    ///
    /// # Errors
    /// [`ProjectionError::TimedOut`]; [`ProjectionError::Group`] if the projector has stopped or failed.
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn wait_for(&self, position: Position, within: Duration) -> Result<(), ProjectionError> {
        match timeout(within, self.member.wait_for(position)).await {
            Ok(waited) => Ok(waited?),
            Err(_) => Err(ProjectionError::TimedOut { position, waited: within }),
        }
    }

    /// The group: where its partitions are, and its parked actors, to look into, resume and skip.
    #[must_use]
    pub fn admin(&self) -> &GroupAdmin {
        &self.admin
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// Why it has failed.
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn closed(&self) -> Result<(), ProjectionError> {
        Ok(self.member.closed().await?)
    }

    /// Ends it: begins nothing more, waits for the batch that is being applied, and writes its checkpoints.
    ///
    /// # Errors
    /// [`ProjectionError::Group`] if it does not come to rest in time, or had failed.
    ///
    /// # Cancel safety
    /// Dropping the future ends it at once.
    pub async fn stop(self) -> Result<(), ProjectionError> {
        let stopped = self.member.stop().await;
        self.reporting.end();
        Ok(stopped?)
    }
}

impl ProjectorBuilder {
    /// Changes the settings of the group that are not spoken of here. The order must stay that of the partition.
    pub fn group(mut self, change: impl FnOnce(GroupBuilder) -> GroupBuilder) -> Self {
        self.group = change(self.group);
        self
    }

    /// The namespace of the store, under which the projection's metrics are found; none, if this is not called.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        self.group = self.group.namespace(&namespace);
        self.namespace = Some(namespace);
        self
    }

    /// Into how many partitions the work is divided, so that so many processes can share it; 1, if this is not called.
    /// Fixed when the projection first runs.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.group = self.group.partitions(partitions);
        self.concurrency = usize::from(partitions).clamp(1, 8);
        self
    }

    /// Sets the limit of events in one batch; 1,024 by default.
    pub fn max_batch(mut self, events: usize) -> Self {
        self.max_batch = events;
        self
    }

    /// Sets the policy for events that fail for another reason than that they cannot be applied.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.group = self.group.retry(retry);
        self
    }

    /// Sets the limits of parked actors in one partition.
    pub fn park_limits(mut self, limits: ParkLimits) -> Self {
        self.group = self.group.park_limits(limits);
        self
    }

    /// A look at the group, and at its parked actors, from outside: without running anything.
    #[must_use]
    pub fn admin(&self) -> GroupAdmin {
        self.group.admin()
    }

    /// Begins. Returns when it is at work, which does not mean that it has caught up.
    ///
    /// # Errors
    /// [`ProjectionError::Group`] if the group cannot be joined.
    pub async fn run(self) -> Result<Projector, ProjectionError> {
        // Room for the next batch while one is applied.
        let window = self.max_batch.saturating_mul(2 + 2 * self.concurrency);
        let group = self.group.max_batch(self.max_batch).window(window).concurrency(self.concurrency);
        let admin = group.admin();
        let target = self.target.0;
        let telemetry = Telemetry::new(self.namespace.as_deref(), target.name());
        let member = group.join(Applying { target, telemetry: telemetry.clone() }).await?;
        let reporting = Reporting::start(telemetry, member.watch());
        Ok(Projector { member, admin, reporting })
    }
}

/// What a projector tells of itself.
#[derive(Debug)]
pub(crate) struct Telemetry(ProjectionMetrics);

impl Telemetry {
    pub(crate) fn new(namespace: Option<&str>, projection: &str) -> Arc<Self> {
        Arc::new(Self(ProjectionMetrics::new(namespace, projection)))
    }

    pub(crate) async fn apply(&self, target: &dyn Target, batch: &Batch) -> Result<(), HandleError> {
        let timer = Timer::start();
        let applied = target.apply(batch).await;
        self.0.applied(applied.is_ok(), timer);
        applied
    }

    pub(crate) fn report(&self, progress: &Progress) {
        self.0.report(ProjectionReport {
            applied: progress.handled,
            position: progress.handled_through.map(|position| position.sequence()),
            lag: progress.lag,
        });
    }
}

/// Reports how far the projector is, until this is dropped.
#[derive(Debug)]
pub(crate) struct Reporting {
    telemetry: Arc<Telemetry>,
    progress: watch::Receiver<Progress>,
    task: JoinHandle<()>,
}

impl Reporting {
    pub(crate) fn start(telemetry: Arc<Telemetry>, progress: watch::Receiver<Progress>) -> Self {
        let (report, mut changes) = (Arc::clone(&telemetry), progress.clone());
        let task = tokio::spawn(async move {
            // It ends with the member, too.
            while changes.changed().await.is_ok() {
                report.report(&changes.borrow_and_update());
            }
        });
        Self { telemetry, progress, task }
    }

    /// Reports what the member has said last.
    pub(crate) fn end(&self) {
        self.task.abort();
        self.telemetry.report(&self.progress.borrow());
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.task.abort();
    }
}
