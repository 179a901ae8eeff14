//! [`Firing`]: sends the commands of timers that are due.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{DueTimer, DueTimers, TimerError, TimerId, Timers};
use futures_util::TryStreamExt;
use tokio::time::Instant;

use super::alarm::Alarm;
use crate::runtime::turn::Backoff;
use crate::system::WeakSystem;
use crate::{ActorError, ActorSystem, Delivery, Since};

/// How many commands of timers are on their way at the same time. Further timers wait until there is room.
const AT_ONCE: usize = 256;

/// Sends the commands of timers that are due.
pub(super) struct Firing {
    timers: Arc<dyn Timers>,
    system: WeakSystem,
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
/// Somebody has to do something about it.
const LATER: Fired = Fired::Again(Duration::from_secs(1), Duration::from_secs(300));

impl Firing {
    pub(super) fn new(timers: Arc<dyn Timers>, system: &ActorSystem) -> Self {
        Self { timers, system: system.downgrade() }
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
        let Ok(system) = self.system.upgrade() else { return SOON };
        let sent = async {
            let deadline = Instant::now() + system.0.shared.deadline;
            let mut delivery = Delivery::new(alarm.id(), Since::Event(alarm.position), deadline);
            delivery.timer = Some(timer.id.name().to_owned());
            system.send(timer.id.actor(), &alarm.command, alarm.data.get().as_bytes(), delivery).await
        };
        let sent = match alarm.cause(&timer.id) {
            Some(cause) => aether_group::because_of(&cause, sent).await,
            None => sent.await,
        };
        match sent {
            Ok(_) => Fired::Done,
            Err(error) => failed(&timer.id, &alarm, &error),
        }
    }
}

/// What is to be done about a command that has no outcome.
fn failed(timer: &TimerId, alarm: &Alarm, error: &ActorError) -> Fired {
    match error {
        ActorError::TimerGone | ActorError::AlreadyDone { .. } => Fired::Done,
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
