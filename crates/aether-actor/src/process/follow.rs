//! [`Reacting`] and [`Sending`]: what drives processes.

use std::marker::PhantomData;

use aether_core::{ActorId, Position, RecordedEvent};
use aether_event::UnknownEvents;
use aether_group::{Batch, HandleError, Handler};
use aether_telemetry::metrics::ProcessMetrics;
use async_trait::async_trait;

use super::lists::SourceList;
use super::manager::ProcessManager;
use super::record::{AnswerRecord, CommandSent, ReactTo, TakeAnswer};
use crate::consumer::{self, not_sent, one_of};
use crate::system::WeakSystem;
use crate::{ActorError, Command, CommandId, Delivery, Outcome, Since};

/// Takes events to the processes that they concern.
pub(super) struct Reacting<P> {
    pub(super) system: WeakSystem,
    pub(super) unknown: UnknownEvents,
    pub(super) metrics: ProcessMetrics,
    pub(super) of: PhantomData<fn(P)>,
}

impl<P: ProcessManager> Reacting<P> {
    async fn follow(&self, event: &RecordedEvent) -> Result<(), HandleError> {
        for spotted in <P::Sources as SourceList<P>>::spot(event, self.unknown)? {
            let process =
                ActorId::new(format!("{}-{}", P::NAME, spotted.key)).map_err(HandleError::poison)?;
            let id = CommandId::caused_by(event.id(), &format!("{process} {}", spotted.index));
            let react = ReactTo { cause: super::Cause::of(event), event: spotted.event };
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
pub(super) struct Sending {
    pub(super) system: WeakSystem,
    pub(super) metrics: ProcessMetrics,
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
