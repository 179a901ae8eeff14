//! What drives processes: a reactor that takes events to them, sends what they have recorded to be sent, and takes the
//! answers back; run as [`ProcessOptions`] say.

use std::marker::PhantomData;
use std::sync::Arc;

use aether_coordination::Coordination;
use aether_core::{ActorId, EventFilter, Position, RecordedEvent};
use aether_event::UnknownEvents;
use aether_group::{Batch, HandleError, Handler};
use aether_telemetry::metrics::ProcessMetrics;
use async_trait::async_trait;

use super::context::Cause;
use super::event::{AnswerRecord, COMMAND_SENT, CommandSent};
use super::lists::{SendList, SourceList};
use super::manager::ProcessManager;
use super::reaction::{Process, ReactTo, TakeAnswer};
use crate::actor::Command;
use crate::builder::ActorSystemBuilder;
use crate::command_id::CommandId;
use crate::consumer::{self, ConsumerOptions, Reactor, not_sent, one_of};
use crate::delivery::{Delivery, Since};
use crate::error::{ActorError, StartError};
use crate::membership::{Membership, Running};
use crate::options::ActorOptions;
use crate::outcome::Outcome;
use crate::system::{ActorSystem, WeakSystem};

/// How a process manager is run.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ProcessOptions {
    /// How processes share its work.
    pub consumer: ConsumerOptions,
    /// How its own actors are run.
    pub actor: ActorOptions,
    /// What is done about events of its sources that the program does not know, since a newer version of it has saved them.
    /// By default they, and what comes after them of the same actor, wait for a process that knows them.
    pub unknown_events: UnknownEvents,
}

impl ProcessOptions {
    /// How processes share its work.
    #[must_use]
    pub fn consumer(mut self, options: ConsumerOptions) -> Self {
        self.consumer = options;
        self
    }

    /// How its own actors are run.
    #[must_use]
    pub fn actor(mut self, options: ActorOptions) -> Self {
        self.actor = options;
        self
    }

    /// What is done about events of its sources that the program does not know.
    #[must_use]
    pub fn unknown_events(mut self, policy: UnknownEvents) -> Self {
        self.unknown_events = policy;
        self
    }
}

impl ActorSystemBuilder {
    /// With this process manager. The actors that it reacts to, and those that it sends commands to, have to be there too.
    pub fn process<P: ProcessManager>(self) -> Self {
        self.process_with::<P>(ProcessOptions::default())
    }

    /// With this process manager, run so.
    pub fn process_with<P: ProcessManager>(self, options: ProcessOptions) -> Self {
        let mut builder = self.actor_with::<Process<P>>(options.actor.clone());
        let name = format!("process-{}", P::NAME);
        builder.reactors.push(Box::new(Following::<P> { name, options, of: PhantomData }));
        builder
    }
}

/// What follows the events for a process manager.
struct Following<P> {
    name: String,
    options: ProcessOptions,
    of: PhantomData<fn(P)>,
}

#[async_trait]
impl<P: ProcessManager> Reactor for Following<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs(&self) -> Vec<&'static str> {
        let sources = <P::Sources as SourceList<P>>::CATEGORIES;
        let targets = <P::Sends as SendList>::TARGETS;
        [sources, targets].concat()
    }

    async fn start(
        self: Box<Self>,
        system: &ActorSystem,
        coordination: &Arc<dyn Coordination>,
    ) -> Result<Running, StartError> {
        let Self { name, options, of } = *self;
        let shared = &system.0.shared;
        let filter = match <P::Sources as SourceList<P>>::CATEGORIES {
            [only] => EventFilter::category(only),
            _ => EventFilter::all(),
        };
        let metrics = || ProcessMetrics::new(shared.namespace.as_deref(), P::NAME);
        let (system, unknown) = (system.downgrade(), options.unknown_events);
        let reacting = Reacting::<P> { system: system.clone(), unknown, metrics: metrics(), of };
        let group = options.consumer.group(name.clone(), shared, coordination);
        let mut members = vec![Membership::join(group.filter(filter), reacting).await?];
        if !<P::Sends as SendList>::COMMANDS.is_empty() {
            let sending = Sending { system, metrics: metrics() };
            let group = options.consumer.group(format!("{name}-commands"), shared, coordination);
            let filter = EventFilter::category(P::NAME).types([COMMAND_SENT]);
            members.push(Membership::join(group.filter(filter), sending).await?);
        }
        Ok(Running { members, tasks: Vec::new() })
    }
}

/// Takes events to the processes that they concern.
struct Reacting<P> {
    system: WeakSystem,
    unknown: UnknownEvents,
    metrics: ProcessMetrics,
    of: PhantomData<fn(P)>,
}

impl<P: ProcessManager> Reacting<P> {
    async fn follow(&self, event: &RecordedEvent) -> Result<(), HandleError> {
        for spotted in <P::Sources as SourceList<P>>::spot(event, self.unknown)? {
            let process =
                ActorId::new(format!("{}-{}", P::NAME, spotted.key)).map_err(HandleError::poison)?;
            let id = CommandId::caused_by(event.id(), &format!("{process} {}", spotted.index));
            let react = ReactTo { cause: Cause::of(event), event: spotted.event };
            deliver(&self.system, &process, &react, id, event.position).await?;
            self.metrics.reacted();
        }
        Ok(())
    }
}

#[async_trait]
impl<P: ProcessManager> Handler for Reacting<P> {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            one_of(batch, event, self.follow(event)).await.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}

/// Sends what processes have recorded to be sent, and takes the answers back to them.
struct Sending {
    system: WeakSystem,
    metrics: ProcessMetrics,
}

impl Sending {
    async fn follow(&self, event: &RecordedEvent) -> Result<(), HandleError> {
        let sent: CommandSent = event.data().map_err(HandleError::poison)?;
        let data = sent.data.get().as_bytes();
        let outcome = send(&self.system, &sent.actor, &sent.command, data, sent.id, event.position).await;
        self.metrics.sent(outcome.as_ref().map_or("failed", Outcome::word));
        let outcome = outcome?;
        let answer = AnswerRecord::try_from(&outcome).map_err(HandleError::poison)?;
        let id = CommandId::caused_by(sent.id.uuid(), "answer");
        deliver(&self.system, event.actor(), &TakeAnswer { sent, answer }, id, event.position).await?;
        self.metrics.answered();
        Ok(())
    }
}

#[async_trait]
impl Handler for Sending {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            one_of(batch, event, self.follow(event)).await.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}

/// Sends a process a command about something that stands at `since`.
async fn deliver<C: Command>(
    system: &WeakSystem,
    process: &ActorId,
    command: &C,
    id: CommandId,
    since: Position,
) -> Result<(), HandleError> {
    let data = serde_json::to_vec(command).map_err(HandleError::poison)?;
    send(system, process, C::NAME, &data, id, since).await.map(|_| ())
}

async fn send(
    system: &WeakSystem,
    actor: &ActorId,
    command: &str,
    data: &[u8],
    id: CommandId,
    since: Position,
) -> Result<Outcome, HandleError> {
    let delivery = |deadline| Delivery::new(id, Since::Event(since), deadline);
    match consumer::send(system, actor, command, data, delivery).await {
        Err(ActorError::AlreadyDone { .. }) => Ok(Outcome::DoneTooLarge),
        sent => sent.map_err(not_sent),
    }
}
