//! [`Firing`]: sends the commands of timers that are due.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{DueTimer, DueTimers, TimerError, TimerId, Timers};
use aether_telemetry::metrics::TimerMetrics;
use futures_util::TryStreamExt;

use super::change::{Alarm, Change};
use crate::consumer;
use crate::delivery::{Delivery, Since};
use crate::error::ActorError;
use crate::outcome::Outcome;
use crate::runtime::backoff::Backoff;
use crate::runtime::shared::Shared;
use crate::system::{ActorSystem, WeakSystem};

/// How many commands of timers are on their way at the same time. Further timers wait until there is room.
const AT_ONCE: usize = 256;

/// Sends the commands of timers that are due.
pub(super) struct Firing {
    timers: Arc<dyn Timers>,
    system: WeakSystem,
    shared: Arc<Shared>,
}

/// What becomes of a timer.
enum Fired {
    /// There is nothing more to do.
    Done,
    /// To be tried again, after this long at first and that long at most.
    Again(Duration, Duration),
}

/// Something is not there at the moment.
const SOON: Fired = Fired::Again(Duration::from_millis(100), Duration::from_secs(10));
/// Another process may know what to do, or somebody has to do something about it.
const LATER: Fired = Fired::Again(Duration::from_millis(100), Duration::from_secs(300));

impl Firing {
    pub(super) fn new(timers: Arc<dyn Timers>, system: &ActorSystem) -> Self {
        Self { timers, system: system.downgrade(), shared: Arc::clone(&system.0.shared) }
    }

    /// Listens for timers until it is dropped.
    pub(super) async fn run(self, mut due: Option<DueTimers>) {
        let mut backoff = Backoff::default();
        loop {
            let error = match due.take() {
                Some(due) => self.listen(due).await,
                None => match self.timers.due().await {
                    Ok(opened) => {
                        due = Some(opened);
                        continue;
                    }
                    Err(error) => Some(error),
                },
            };
            match error {
                Some(error) => tracing::warn!(%error, "listening again for timers"),
                None => tracing::warn!("the timers have ended; listening again"),
            }
            backoff.wait().await;
        }
    }

    async fn listen(&self, due: DueTimers) -> Option<TimerError> {
        let fired = due.map_ok(|due| self.fire(due));
        fired
            .try_for_each_concurrent(AT_ONCE, |fire| async move {
                fire.await;
                Ok(())
            })
            .await
            .err()
    }

    /// Sends the command of a timer, and acknowledges it if that is done.
    async fn fire(&self, due: DueTimer) {
        let id = due.timer().id.clone();
        let settled = match self.send(&due).await {
            Fired::Done => due.done().await,
            Fired::Again(first, most) => {
                let attempts = u32::try_from(due.attempt().saturating_sub(1)).unwrap_or(u32::MAX).min(16);
                due.again(first.saturating_mul(1 << attempts).min(most)).await
            }
        };
        if let Err(error) = settled {
            tracing::debug!(timer = %id, %error, "a timer was not acknowledged, and may come again");
        }
    }

    async fn send(&self, due: &DueTimer) -> Fired {
        let timer = due.timer();
        let alarm: Alarm = match serde_json::from_slice(&timer.payload) {
            Ok(alarm) => alarm,
            Err(error) => {
                tracing::error!(timer = %timer.id, %error, "a timer was set by another version of the program");
                return LATER;
            }
        };
        let sent = consumer::send(
            &self.system,
            timer.id.actor(),
            &alarm.command,
            alarm.data.get().as_bytes(),
            |deadline| {
                let mut delivery = Delivery::new(alarm.id(), Since::Event(alarm.position), deadline);
                delivery.timer = Some(timer.id.name().to_owned());
                delivery
            },
        );
        let sent = match alarm.cause(&timer.id) {
            Some(cause) => aether_group::because_of(&cause, sent).await,
            None => sent.await,
        };
        let metrics = TimerMetrics::new(self.shared.namespace.as_deref(), timer.id.actor().category());
        metrics.fired(sent.as_ref().map_or_else(ActorError::outcome, Outcome::word));
        if sent.is_ok() {
            // A server that is ahead of the clock hands it out early.
            let late = self.shared.clock.now() - timer.at;
            metrics.late(late.try_into().unwrap_or_default());
        }
        match sent {
            Ok(_) => Fired::Done,
            Err(ActorError::TimerGone) => self.mend(&timer.id, &alarm).await,
            Err(error) => failed(&timer.id, &alarm, &error),
        }
    }

    /// A timer that was replaced has come: by somebody who had been asleep it may have been put in the place of the one
    /// that is set now. That one is set once more, which is nothing if it was there.
    async fn mend(&self, timer: &TimerId, alarm: &Alarm) -> Fired {
        let last = match Change::last_after(alarm.version, timer, &self.shared.store).await {
            Ok(last) => last,
            Err(error) => {
                tracing::debug!(%timer, %error, "a timer that is gone is tried again");
                return SOON;
            }
        };
        match last {
            Some((_, Change::Set(last))) if self.timers.set(&last).await.is_err() => SOON,
            _ => Fired::Done,
        }
    }
}

/// What is to be done about a command that has no outcome.
fn failed(timer: &TimerId, alarm: &Alarm, error: &ActorError) -> Fired {
    match error {
        ActorError::AlreadyDone { .. } => Fired::Done,
        ActorError::WindowPassed { .. } => {
            tracing::error!(%timer, command = alarm.command, %error, "a timer is given up");
            Fired::Done
        }
        error if error.is_retryable() || error.is_unknown() => {
            tracing::debug!(%timer, command = alarm.command, %error, "a timer is tried again");
            SOON
        }
        error => {
            tracing::warn!(%timer, command = alarm.command, %error, "a timer is tried again");
            LATER
        }
    }
}
