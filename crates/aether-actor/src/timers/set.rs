//! [`Setting`]: sets and cancels timers as the actors' logs say.

use std::sync::Arc;

use aether_core::{RecordedEvent, TimerError, TimerId, Timers};
use aether_group::{Batch, HandleError, Handler};
use async_trait::async_trait;

use super::alarm::Alarm;
use crate::runtime::system_event::{TIMER_CANCELLED, TIMER_SET, TimerCancelled};
use crate::system::Shared;

/// Sets and cancels timers as the actors' logs say.
pub(super) struct Setting {
    timers: Arc<dyn Timers>,
}

impl Setting {
    pub(super) fn new(timers: Arc<dyn Timers>, _shared: &Shared) -> Self {
        Self { timers }
    }

    async fn follow(&self, event: &RecordedEvent) -> Result<(), HandleError> {
        match event.event_type() {
            TIMER_SET => {
                let timer = Alarm::timer(event).map_err(HandleError::poison)?;
                self.timers.set(&timer).await.map_err(not_set)
            }
            TIMER_CANCELLED => {
                let cancelled: TimerCancelled = event.data().map_err(HandleError::poison)?;
                let id = TimerId::new(event.actor(), cancelled.name).map_err(HandleError::poison)?;
                self.timers.cancel(&id).await.map_err(not_set)
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Handler for Setting {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            self.follow(event).await.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}

fn not_set(error: TimerError) -> HandleError {
    match error {
        TimerError::TooLarge { .. } => HandleError::poison(error),
        // No fault of this timer's: all others would fail as well.
        other => HandleError::unavailable(other),
    }
}
