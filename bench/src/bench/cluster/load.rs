//! [`Load`]: commands at fixed times, each measured from when it was to be sent, so that nobody who waits hides another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_actor::ActorRef;
use aether_core::ActorId;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::actors::order::{Order, Place};

/// One command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// When it was to be sent.
    pub(crate) due: Instant,
    pub(crate) ended: Instant,
    pub(crate) failed: bool,
}

impl Sent {
    pub(crate) fn millis(&self) -> f64 {
        (self.ended - self.due).as_secs_f64() * 1000.0
    }
}

/// The commands to one actor, in their order.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) actor: ActorId,
    pub(crate) sent: Vec<Sent>,
}

/// Commands on their way.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    askers: JoinSet<Option<Commands>>,
}

impl Load {
    /// One command to each of the actors every so often, with this deadline. Those that come too late are sent as soon as
    /// the one before is answered.
    pub(crate) fn start(actors: Vec<ActorRef<Order>>, every: Duration, within: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut askers = JoinSet::new();
        let count = u32::try_from(actors.len()).unwrap_or(u32::MAX);
        for (place, actor) in (0_u32..).zip(actors) {
            let stop = Arc::clone(&stop);
            askers.spawn(async move {
                tokio::time::sleep(every * place / count).await;
                let mut times = interval(every);
                let mut sent = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let due = times.tick().await;
                    let failed = match actor.ask(Place).within(within).await {
                        Ok(_) => false,
                        Err(error) => {
                            println!("    failed after {:?}: {error:?}", due.elapsed());
                            true
                        }
                    };
                    sent.push(Sent { due, ended: Instant::now(), failed });
                }
                Some(Commands { actor: actor.id()?.clone(), sent })
            });
        }
        Self { stop, askers }
    }

    /// Lets those end that are on their way.
    pub(crate) async fn stop(self) -> Vec<Commands> {
        self.stop.store(true, Ordering::Relaxed);
        self.askers.join_all().await.into_iter().flatten().collect()
    }
}

/// How many failed.
pub(crate) fn failed<'a>(commands: impl IntoIterator<Item = &'a Sent>) -> f64 {
    commands.into_iter().filter(|sent| sent.failed).count() as f64
}

/// The part of the figures that is so far up, from 0 to 1.
pub(crate) fn quantile(mut figures: Vec<f64>, part: f64) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let last = figures.len().saturating_sub(1);
    figures.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
