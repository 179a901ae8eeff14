//! [`Telemetry`]: the metrics of a projector.

use std::sync::Arc;

use aether_group::{Batch, HandleError, Progress};
use aether_telemetry::metrics::{ProjectionMetrics, ProjectionReport, Timer};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Target;

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
