//! [`MailboxItem`]: a command or a query that waits in a mailbox, whatever its type; and what metrics and traces know of it.

use std::fmt;

use aether_core::ActorId;
use aether_telemetry::metrics::{ActorMetrics, Answered, Timer};
use aether_telemetry::{span, trace};
use smallvec::SmallVec;
use tracing::Span;

use crate::actor::{Actor, CommandContext};
use crate::decision::Declared;
use crate::delivery::Delivery;
use crate::error::ActorError;
use crate::outcome::Outcome;

/// What a command or a query came to, before it stands.
pub(crate) enum Verdict<A: Actor> {
    /// This is to be saved, and answered so.
    Saves { events: SmallVec<[A::Event; 1]>, declared: Vec<Declared>, outcome: Outcome },
    /// Nothing is to be saved; the outcome is there if it has to be recorded.
    Nothing { outcome: Option<Outcome> },
}

/// A command or a query that waits for its turn.
pub(crate) trait MailboxItem<A: Actor>: Send + fmt::Debug {
    /// How it came.
    fn delivery(&self) -> &Delivery;

    /// What metrics and traces know of it.
    fn observed(&self) -> &Observed;

    /// How it is answered, once it was decided.
    fn answered(&self) -> Answered {
        Answered::Done
    }

    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether nobody waits for the answer any more, so that it need not be begun.
    fn is_abandoned(&self) -> bool;

    /// The sequence that the state must have come to: what its caller has seen.
    fn at_least(&self) -> u64 {
        0
    }

    /// Whether its answer, if it saves nothing, has to be proved to be true now.
    fn needs_proof(&self) -> bool {
        true
    }

    /// Decides. Called again after a conflict; panics are for the caller to catch.
    fn decide(&mut self, state: &A, context: &CommandContext) -> Result<Verdict<A>, ActorError>;

    /// Answers what was decided last, which stands now; the actor is at this sequence.
    fn settle(self: Box<Self>, sequence: u64);

    /// Answers what was recorded when it was executed before.
    fn recall(self: Box<Self>, outcome: Outcome, sequence: u64);

    /// There is no answer.
    fn fail(self: Box<Self>, error: ActorError);
}

/// A piece of work, whatever its type.
pub(crate) type BoxedItem<A> = Box<dyn MailboxItem<A>>;

/// Commands and queries that wait for their answers.
pub(crate) type Items<A> = Vec<BoxedItem<A>>;

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
pub(crate) fn turn<A: Actor>(metrics: &ActorMetrics, actor: &ActorId, items: &Items<A>) -> Span {
    metrics.taken(items.iter().map(|item| item.observed().timer));
    span::turn(A::CATEGORY, actor, items.iter().map(|item| &item.observed().span))
}

/// Answers these.
pub(crate) fn answer<A: Actor>(metrics: &ActorMetrics, items: Items<A>, sequence: u64) {
    metrics.answered(items.iter().map(|item| (item.observed().timer, item.answered())));
    for item in items {
        span::ask_ended(&item.observed().span, item.answered().as_str());
        item.settle(sequence);
    }
}

/// Answers what was executed before.
pub(crate) fn recall<A: Actor>(metrics: &ActorMetrics, item: BoxedItem<A>, outcome: Outcome, sequence: u64) {
    let observed = item.observed();
    metrics.answered(std::iter::once((observed.timer, Answered::Recalled)));
    span::ask_ended(&observed.span, Answered::Recalled.as_str());
    item.recall(outcome, sequence);
}

/// Says that there is no answer.
pub(crate) fn fail<A: Actor>(metrics: &ActorMetrics, item: BoxedItem<A>, error: ActorError) {
    item.observed().failed(metrics, &error);
    item.fail(error);
}
