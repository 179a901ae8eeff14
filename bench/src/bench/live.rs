//! How soon a saved event is in the hands of whoever follows the store.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use aether_core::{Delivery, EventStoreExt, Subscribe, SubscribeFrom};
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::OrderedConfig;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::nats::{Nats, runtime};
use crate::raw::{self, Message};
use crate::report::{Goal, Report, Row};
use crate::rounds::{median, medians};
use crate::sample;

const ROUNDS: usize = 7;
const ACTORS: usize = 100;
/// Of each actor, in a round.
const SAVES: u64 = 10;
/// Between two saves: each finds everything idle.
const PAUSE: Duration = Duration::from_micros(500);

/// From a save to its event, one at a time.
pub(crate) fn delivery(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let (mut ours, mut bare) = (Ours::new(), Bare::new());
    let figures = [RefCell::new(Figures::default()), RefCell::new(Figures::default())];
    let [our_figures, bare_figures] = &figures;
    medians(
        ROUNDS,
        [&mut || Ok(our_figures.borrow_mut().add(&ours.round(&nats)?)), &mut || {
            Ok(bare_figures.borrow_mut().add(&bare.round(&nats)?))
        }],
    )?;
    let [ours, bare] = figures.map(RefCell::into_inner);
    let rows = [
        ("save acknowledged to handler called, p50", ours.acked.p50, bare.acked.p50),
        ("save acknowledged to handler called, p99", ours.acked.p99, bare.acked.p99),
        ("save begun to handler called, p50", ours.begun.p50, bare.begun.p50),
        ("save begun to handler called, p99", ours.begun.p99, bare.begun.p99),
    ];
    for (name, ours, bare) in rows {
        report.add(
            Row::new(format!("jetstream: {name}"), median(ours), "µs")
                .against(median(bare))
                .goal(Goal::AtMost(1.25))
                .note(
                    "against a publish and an ordered push consumer of async-nats; 0: it came before the ack",
                ),
        );
    }
    Ok(())
}

/// The figures of all rounds.
#[derive(Default)]
struct Figures {
    begun: Percentiles,
    acked: Percentiles,
}

#[derive(Default)]
struct Percentiles {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Figures {
    fn add(&mut self, round: &Round) -> f64 {
        self.begun.add(latencies(&round.begun, &round.arrived));
        self.acked.add(latencies(&round.acked, &round.arrived))
    }
}

impl Percentiles {
    fn add(&mut self, mut latencies: Vec<f64>) -> f64 {
        latencies.sort_unstable_by(f64::total_cmp);
        self.p99.push(latencies[latencies.len() * 99 / 100]);
        let p50 = latencies[latencies.len() / 2];
        self.p50.push(p50);
        p50
    }
}

/// When each save was begun and acknowledged, and when its event arrived.
struct Round {
    begun: Vec<Instant>,
    acked: Vec<Instant>,
    arrived: Vec<Instant>,
}

/// From one to the other, in microseconds; 0 if the other came first.
fn latencies(from: &[Instant], to: &[Instant]) -> Vec<f64> {
    let late = |(from, to): (&Instant, &Instant)| to.saturating_duration_since(*from);
    from.iter().zip(to).map(late).map(|late| late.as_secs_f64() * 1e6).collect()
}

struct Ours {
    version: u64,
}

impl Ours {
    fn new() -> Self {
        Self { version: 0 }
    }

    fn round(&mut self, nats: &Nats) -> anyhow::Result<Round> {
        let events =
            sample::events(&sample::actors("order", ACTORS)?, self.version + 1..=self.version + SAVES)?;
        self.version += SAVES;
        nats.runtime.block_on(async {
            let store = nats.cold_store().await?;
            let mut subscription = store.subscribe(&SubscribeFrom::Now.into()).await?;
            let count = events.len();
            let reader: JoinHandle<anyhow::Result<Vec<Instant>>> = tokio::spawn(async move {
                let mut arrived = Vec::with_capacity(count);
                while arrived.len() < count {
                    if let Some(Delivery::Event(_)) = subscription.try_next().await? {
                        arrived.push(Instant::now());
                    }
                }
                Ok(arrived)
            });
            let (mut begun, mut acked) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for event in &events {
                begun.push(Instant::now());
                nats.store.save_event(event).await?;
                acked.push(Instant::now());
                tokio::time::sleep(PAUSE).await;
            }
            Ok(Round { begun, acked, arrived: reader.await?? })
        })
    }
}

struct Bare {
    version: u64,
    last: Vec<u64>,
}

impl Bare {
    fn new() -> Self {
        Self { version: 0, last: vec![0; ACTORS] }
    }

    fn round(&mut self, nats: &Nats) -> anyhow::Result<Round> {
        let actors = sample::actors("order", ACTORS)?;
        let mut messages = Vec::new();
        for version in self.version + 1..=self.version + SAVES {
            for (number, event) in sample::events(&actors, [version])?.iter().enumerate() {
                messages.push(Message::new(&nats.raw_stream, number, event, version)?);
            }
        }
        self.version += SAVES;
        nats.runtime.block_on(async {
            let context = nats.cold_raw().await?;
            let stream = context.get_stream(&nats.raw_stream).await?;
            let config = OrderedConfig {
                deliver_subject: context.client().new_inbox(),
                deliver_policy: DeliverPolicy::New,
                ..OrderedConfig::default()
            };
            let mut incoming = stream.create_consumer(config).await?.messages().await?;
            let count = messages.len();
            let (ready, begin) = oneshot::channel();
            let reader: JoinHandle<anyhow::Result<Vec<Instant>>> = tokio::spawn(async move {
                let _ = ready.send(());
                let mut arrived = Vec::with_capacity(count);
                while arrived.len() < count {
                    incoming.next().await.ok_or_else(|| anyhow::anyhow!("the consumer ended"))??;
                    arrived.push(Instant::now());
                }
                Ok(arrived)
            });
            begin.await?;
            let (mut begun, mut acked) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for message in &messages {
                begun.push(Instant::now());
                raw::publish(&nats.raw, std::slice::from_ref(message), &mut self.last, || {
                    acked.push(Instant::now())
                })
                .await?;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(Round { begun, acked, arrived: reader.await?? })
        })
    }
}
