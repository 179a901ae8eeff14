//! [`Telemetry`]: the metrics and spans of a member.

use std::future::Future;

use aether_telemetry::metrics::{GroupMetrics, GroupReport, Timer};
use aether_telemetry::{Consumer, span};
use tracing::Span;

use crate::builder::Options;
use crate::window::Failure;
use crate::{Batch, FailureKind, Progress};

/// What a member tells of itself.
#[derive(Debug)]
pub(super) struct Telemetry {
    metrics: GroupMetrics,
    consumer: Consumer,
}

impl Telemetry {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            metrics: GroupMetrics::new(options.namespace.as_deref(), &options.group),
            consumer: Consumer::new(&*options.group),
        }
    }

    pub(super) fn report(&self, progress: &Progress) {
        self.metrics.report(GroupReport {
            members: progress.members as u64,
            partitions: progress.partitions.len() as u64,
            parked: progress.parked_actors() as u64,
            lag: progress.lag,
            handled: progress.handled,
            retried: progress.retried,
            refused: progress.refused_checkpoints,
        });
    }

    /// Runs the call of a handler: in the context of its event, if there is only one. Of several, which one is the cause
    /// of something only the handler knows.
    pub(super) async fn calling(
        &self,
        batch: &Batch,
        call: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let timer = Timer::start();
        let call = async {
            let result = call.await;
            if let Err(failure) = &result {
                span::fail(&Span::current(), kind(failure.kind));
            }
            result
        };
        let result = match batch.events.as_slice() {
            [event] => self.consumer.handling(event, call).await,
            events => self.consumer.handling_all(events.iter().map(|event| &event.event), call).await,
        };
        self.metrics.called(timer);
        result
    }
}

fn kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Retry => "retry",
        FailureKind::Poison => "poison",
        FailureKind::Unavailable => "unavailable",
    }
}
