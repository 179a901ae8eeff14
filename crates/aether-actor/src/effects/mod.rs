//! Effects: what [`Decision::effect`](crate::Decision::effect) declares is done in the world.
//!
//! Each type of effects has a consumer group of its own, `effect-<name>`, which passes over all others: where several
//! programs share a stream, none waits for what only another one can do.

pub(crate) mod handler;

use std::marker::PhantomData;
use std::sync::Arc;

use aether_coordination::Coordination;
use aether_core::{EventFilter, RecordedEvent};
use aether_group::{Batch, HandleError, Handler};
use aether_telemetry::metrics::{EffectMetrics, Timer};
use async_trait::async_trait;

use crate::builder::ActorSystemBuilder;
use crate::consumer::{ConsumerOptions, Reactor, one_of};
use crate::error::StartError;
use crate::membership::{Membership, Running};
use crate::runtime::system_event::{EFFECT_DECLARED, EffectDeclared};
use crate::system::ActorSystem;

pub use handler::{Effect, EffectContext, EffectHandler};

impl ActorSystemBuilder {
    /// With a handler for the effects of this type, so that decisions may [declare](crate::Decision::effect) them. Without,
    /// a decision that does is [refused](crate::ActorError::NotProvided).
    ///
    /// Each effect is done at least once, and those of one actor in the order in which they were declared. The handlers of
    /// all processes that have one share them.
    ///
    /// ```
    /// use aether_actor::{ActorSystem, Effect, EffectContext, HandleError};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Serialize, Deserialize, Effect)]
    /// struct SendMail { to: String }
    ///
    /// async fn send(mail: SendMail, context: EffectContext) -> Result<(), HandleError> {
    ///     println!("to {}, once: {}", mail.to, context.id);
    ///     Ok(())
    /// }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store: std::sync::Arc<dyn aether_actor::Store> = std::sync::Arc::new(aether_store_memory::MemoryEventStore::new());
    /// let system = ActorSystem::builder(store).effect::<SendMail>(send).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn effect<E: Effect>(self, handler: impl EffectHandler<E>) -> Self {
        self.effect_with(handler, ConsumerOptions::default())
    }

    /// With a handler for the effects of this type, run so.
    pub fn effect_with<E: Effect>(
        mut self,
        handler: impl EffectHandler<E>,
        options: ConsumerOptions,
    ) -> Self {
        self.provided.effects.push(E::NAME);
        let group = format!("effect-{}", E::NAME);
        self.reactors.retain(|reactor| reactor.name() != group);
        self.reactors.push(Box::new(Following { group, handler, options, of: PhantomData::<fn(E)> }));
        self
    }
}

/// What follows the effects of one type.
struct Following<E, H> {
    group: String,
    handler: H,
    options: ConsumerOptions,
    of: PhantomData<fn(E)>,
}

#[async_trait]
impl<E: Effect, H: EffectHandler<E>> Reactor for Following<E, H> {
    fn name(&self) -> &str {
        &self.group
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }

    async fn start(
        self: Box<Self>,
        system: &ActorSystem,
        coordination: &Arc<dyn Coordination>,
    ) -> Result<Running, StartError> {
        let Self { group, handler, options, .. } = *self;
        let shared = &system.0.shared;
        let handler = Performing::<E, H>::new(handler, shared.namespace.as_deref());
        let group = options.group(group, shared, coordination);
        let group = group.filter(EventFilter::all().types([EFFECT_DECLARED]));
        let member = Membership::join(group, handler).await?;
        Ok(Running { members: vec![member], tasks: Vec::new() })
    }
}

/// Hands the effects of one type to their handler.
struct Performing<E, H> {
    handler: H,
    metrics: EffectMetrics,
    of: PhantomData<fn(E)>,
}

impl<E: Effect, H: EffectHandler<E>> Performing<E, H> {
    fn new(handler: H, namespace: Option<&str>) -> Self {
        Self { handler, metrics: EffectMetrics::new(namespace, E::NAME), of: PhantomData }
    }

    async fn follow(&self, event: &RecordedEvent, attempt: u32) -> Result<(), HandleError> {
        let declared: EffectDeclared = event.data().map_err(HandleError::poison)?;
        if declared.name != E::NAME {
            return Ok(());
        }
        let effect: E = serde_json::from_str(declared.data.get()).map_err(HandleError::poison)?;
        let timer = Timer::start();
        let performed = self.handler.perform(effect, EffectContext::of(event, attempt)).await;
        self.metrics.called(performed.is_ok(), timer);
        performed
    }
}

#[async_trait]
impl<E: Effect, H: EffectHandler<E>> Handler for Performing<E, H> {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            // Only the first event of a batch can have been tried before.
            let attempt = if index == 0 { batch.attempt } else { 1 };
            one_of(batch, event, self.follow(event, attempt)).await.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}
