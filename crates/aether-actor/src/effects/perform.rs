//! [`Performing`]: hands the effects of one type to their handler.

use std::marker::PhantomData;

use aether_core::RecordedEvent;
use aether_group::{Batch, HandleError, Handler};
use aether_telemetry::metrics::{EffectMetrics, Timer};
use async_trait::async_trait;

use super::{EffectContext, EffectHandler};
use crate::Effect;
use crate::consumer::one_of;
use crate::runtime::system_event::EffectDeclared;

/// Hands the effects of one type to their handler.
pub(super) struct Performing<E, H> {
    handler: H,
    metrics: EffectMetrics,
    of: PhantomData<fn(E)>,
}

impl<E: Effect, H: EffectHandler<E>> Performing<E, H> {
    pub(super) fn new(handler: H, namespace: Option<&str>) -> Self {
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
