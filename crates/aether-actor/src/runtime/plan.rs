//! [`plan`]: decides the commands that wait, one after the other, into one commit. Pure: what comes of it is not saved yet.

use std::sync::Arc;

use aether_core::{ActorId, Event, Version};
use aether_event::DomainEvent;
use aether_telemetry::metrics::ActorMetrics;
use aether_telemetry::panic::caught;
use time::OffsetDateTime;

use super::executed_commands::Known;
use super::loaded::Loaded;
use super::mailbox_item::{self, Items, MailboxItem, Verdict};
use super::shared::Provided;
use super::system_event;
use crate::actor::{Actor, CommandContext};
use crate::command_id::CommandId;
use crate::decision::Declared;
use crate::error::ActorError;
use crate::outcome::Outcome;

/// The bytes of events' data after which no further command joins a commit.
const MAX_BYTES: usize = 256 * 1024;

/// What is to be saved, and who waits for it.
pub(crate) struct Plan<A: Actor> {
    /// Whose answers depend on it.
    pub(crate) waiting: Items<A>,
    /// Those whose turn comes after it.
    pub(crate) later: Items<A>,
    /// The events.
    pub(crate) events: Vec<Event>,
    /// What is recorded of the commands.
    pub(crate) outcomes: Vec<(CommandId, Outcome)>,
    /// The state after the events; `None` if there are none.
    pub(crate) state: Option<A>,
    /// Whether an answer rests on the state alone, and has to be proved if nothing is saved.
    pub(crate) needs_proof: bool,
    /// How many commands panicked: the state that they had in their hands is not to be used again.
    pub(crate) panics: u32,
    bytes: usize,
}

impl<A: Actor> Plan<A> {
    fn new() -> Self {
        Self {
            waiting: Vec::new(),
            later: Vec::new(),
            events: Vec::new(),
            outcomes: Vec::new(),
            state: None,
            needs_proof: false,
            panics: 0,
            bytes: 0,
        }
    }
}

/// What one command adds to a plan.
enum Step {
    /// It waits for the plan.
    Joined,
    /// It was answered with what is known of it already.
    Recalled(Outcome),
    /// It fails by itself.
    Failed(ActorError),
    /// It panicked, and took the state that it was tried on with it.
    Panicked(String),
    /// The same command is in the plan already: its outcome is known after it.
    Later,
}

/// Decides `items` in order on what is loaded, up to `limit` of them. Whoever fails, or is known to have been executed before, is answered here.
pub(crate) fn plan<A: Actor>(
    actor: &ActorId,
    loaded: &Loaded<A>,
    mut items: Items<A>,
    limit: usize,
    now: OffsetDateTime,
    metrics: &ActorMetrics,
    provided: &Provided,
) -> Plan<A> {
    let mut panics = 0;
    'again: loop {
        let mut plan = Plan::new();
        plan.panics = panics;
        let mut index = 0;
        while index < items.len().min(limit) {
            if plan.bytes > MAX_BYTES {
                break;
            }
            match step(actor, loaded, &mut plan, &mut *items[index], now, provided) {
                Step::Joined => index += 1,
                Step::Recalled(outcome) => {
                    mailbox_item::recall(metrics, items.remove(index), outcome, loaded.head.sequence());
                }
                Step::Failed(error) => mailbox_item::fail(metrics, items.remove(index), error),
                Step::Panicked(message) => {
                    mailbox_item::fail(metrics, items.remove(index), ActorError::Panicked { message });
                    panics += 1;
                    // The others are decided again, on a state that nobody panicked with.
                    continue 'again;
                }
                Step::Later => break,
            }
        }
        plan.later = items.split_off(index);
        plan.waiting = items;
        return plan;
    }
}

fn step<A: Actor>(
    actor: &ActorId,
    loaded: &Loaded<A>,
    plan: &mut Plan<A>,
    item: &mut dyn MailboxItem<A>,
    now: OffsetDateTime,
    provided: &Provided,
) -> Step {
    let delivery = item.delivery();
    let id = delivery.id;
    if delivery.may_be_known() {
        match loaded.executed.look_up(id, delivery.since.sequence()) {
            Known::Executed(outcome) => return Step::Recalled(outcome),
            // Whoever plans has looked back before, so this is one for whom that was too far.
            Known::Unclear => return Step::Failed(ActorError::WindowPassed { id }),
            Known::New => {}
        }
        if plan.outcomes.iter().any(|(planned, _)| *planned == id) {
            return Step::Later;
        }
        if delivery.timer.as_ref().is_some_and(|name| loaded.timers.get(name) != Some(&id)) {
            return Step::Failed(ActorError::TimerGone);
        }
    }
    let version = plan.events.last().map_or(loaded.head.version(), Event::version);
    let context = CommandContext::new(actor.clone(), id, version, now);
    let recorded = delivery.recorded;
    let state = plan.state.as_ref().unwrap_or(&loaded.state);
    let verdict = match caught(|| item.decide(state, &context)) {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(error)) => return Step::Failed(error),
        Err(message) => return Step::Panicked(message),
    };
    match verdict {
        Verdict::Nothing { outcome } => {
            let record = outcome.filter(|_| recorded).and_then(Outcome::into_record);
            match record {
                Some(record) => plan.outcomes.push((id, record)),
                None => plan.needs_proof |= item.needs_proof(),
            }
            Step::Joined
        }
        Verdict::Saves { events, declared, outcome } => {
            if let Err(error) = provided.check(actor, &declared, now) {
                return Step::Failed(error);
            }
            let before = plan.events.len();
            match build(actor, version, &events, &declared, item, now, &mut plan.events) {
                Ok(bytes) => plan.bytes += bytes,
                Err(error) => {
                    plan.events.truncate(before);
                    return Step::Failed(error);
                }
            }
            let mut state = plan.state.take().unwrap_or_else(|| loaded.state.clone());
            // Tried before it is saved: an event that the actor cannot take in never gets into its history.
            if let Err(message) = caught(|| events.iter().for_each(|event| state.evolve(event))) {
                return Step::Panicked(message);
            }
            plan.state = Some(state);
            plan.outcomes.extend(outcome.into_record().map(|record| (id, record)));
            Step::Joined
        }
    }
}

/// Makes the events that are saved. The bytes of their data.
fn build<A: Actor>(
    actor: &ActorId,
    mut version: Version,
    events: &[A::Event],
    declared: &[Declared],
    item: &dyn MailboxItem<A>,
    now: OffsetDateTime,
    out: &mut Vec<Event>,
) -> Result<usize, ActorError> {
    let delivery = item.delivery();
    let before = out.len();
    let mut bytes = 0;
    let build_all = || {
        for event in events {
            version = version.next();
            let event = event_of(actor, version, event, delivery.id, now)?;
            bytes += event.payload().len();
            out.push(event);
        }
        for declared in declared {
            version = version.next();
            let event = system_event::event_of(declared, actor, version, delivery.id, now)?;
            bytes += event.payload().len();
            out.push(event);
        }
        Ok::<(), ActorError>(())
    };
    // Never in the context of whoever happens to run this turn.
    delivery.context.clone().unwrap_or_default().run(build_all)?;
    // The save is for all whose commands share the commit; each event is part of its own asker's trace.
    if let Some(traceparent) = item.observed().traceparent() {
        for event in &mut out[before..] {
            *event = event.with_traceparent(&*traceparent);
        }
    }
    Ok(bytes)
}

/// The event that is saved.
pub(crate) fn event_of<E: DomainEvent>(
    actor: &ActorId,
    version: Version,
    event: &E,
    command: CommandId,
    now: OffsetDateTime,
) -> Result<Event, ActorError> {
    let (event_type, payload) =
        aether_event::encode(event).map_err(|error| ActorError::convert("an event", error))?;
    let event =
        Event::builder(actor, version, event_type).payload(payload).command_id(command).timestamp(now);
    event.build().map_err(|error| ActorError::Save(Arc::new(error.into())))
}
