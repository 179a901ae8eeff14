//! [`Observed`]: what metrics and traces know of a command or query from when it is put to its actor until it ends.

use aether_telemetry::metrics::{ActorMetrics, Answered, Timer};
use aether_telemetry::{span, trace};
use tracing::Span;

use super::plan::Items;
use super::mailbox_item::BoxedItem;
use crate::error::ActorError;
use crate::outcome::Outcome;
use crate::{Actor, Delivery};

/// What metrics and traces know of a command or query.
#[derive(Debug)]
pub(crate) struct Observed {
    timer: Timer,
    pub(crate) span: Span,
}

impl Observed {
    /// A command is put to an actor of this category.
    pub(crate) fn command(category: &str, name: &str, delivery: &Delivery) -> Self {
        Self { timer: Timer::start(), span: ask("ask", category, name, delivery) }
    }

    /// A query has to wait for its turn. It is none of the commands that are counted.
    pub(crate) fn query(category: &str, name: &str, delivery: &Delivery) -> Self {
        Self { timer: Timer::default(), span: ask("query", category, name, delivery) }
    }

    /// The trace context that its events carry; `None` if nothing is traced.
    pub(crate) fn traceparent(&self) -> Option<String> {
        trace::traceparent(&self.span)
    }

    /// It ends without an answer.
    pub(crate) fn failed(&self, metrics: &ActorMetrics, error: &ActorError) {
        metrics.failed(self.timer, error.outcome());
        span::fail(&self.span, error.outcome());
    }
}

fn ask(operation: &'static str, category: &str, name: &str, delivery: &Delivery) -> Span {
    let conversation = delivery.context.as_ref().and_then(|context| context.correlation_id.as_deref());
    span::ask(operation, category, name, delivery.id, conversation)
}

/// These were taken out of a mailbox at once. The span of the turn that is for them.
pub(crate) fn turn<A: Actor>(metrics: &ActorMetrics, actor: &aether_core::ActorId, works: &Items<A>) -> Span {
    metrics.taken(works.iter().map(|work| work.observed().timer));
    span::turn(A::CATEGORY, actor, works.iter().map(|work| &work.observed().span))
}

/// Answers these.
pub(crate) fn answer<A: Actor>(metrics: &ActorMetrics, works: Items<A>, sequence: u64) {
    metrics.answered(works.iter().map(|work| (work.observed().timer, work.answered())));
    for work in works {
        span::ask_ended(&work.observed().span, work.answered().as_str());
        work.settle(sequence);
    }
}

/// Answers what was executed before.
pub(crate) fn recall<A: Actor>(metrics: &ActorMetrics, work: BoxedItem<A>, outcome: Outcome, sequence: u64) {
    let observed = work.observed();
    metrics.answered(std::iter::once((observed.timer, Answered::Recalled)));
    span::ask_ended(&observed.span, Answered::Recalled.as_str());
    work.recall(outcome, sequence);
}

/// Says that there is no answer.
pub(crate) fn fail<A: Actor>(metrics: &ActorMetrics, work: BoxedItem<A>, error: ActorError) {
    work.observed().failed(metrics, &error);
    work.fail(error);
}
