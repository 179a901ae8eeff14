//! How soon a saved event is in the hands of whoever follows the store.

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
    let mut tails = [Vec::new(), Vec::new()];
    let [our_tails, bare_tails] = &mut tails;
    let p50 = medians(
        ROUNDS,
        [&mut || Ok(split(ours.round(&nats)?, our_tails)), &mut || Ok(split(bare.round(&nats)?, bare_tails))],
    )?;
    let p99 = tails.map(median);
    for (name, [ours, bare]) in [("p50", p50), ("p99", p99)] {
        report.add(
            Row::new(format!("jetstream: save acknowledged to handler called, {name}"), ours, "µs")
                .against(bare)
                .goal(Goal::AtMost(1.25))
                .note("against an ordered push consumer and a publish of async-nats; counted from when the ack was in hand"),
        );
    }
    Ok(())
}

/// The median; the 99th percentile goes to `tails`.
fn split(mut latencies: Vec<f64>, tails: &mut Vec<f64>) -> f64 {
    latencies.sort_unstable_by(f64::total_cmp);
    tails.push(latencies[latencies.len() * 99 / 100]);
    median(latencies)
}

/// From each acknowledgement to the arrival, in microseconds; an event that came before its acknowledgement took 0.
fn latencies(acked: &[Instant], arrived: &[Instant]) -> Vec<f64> {
    let late = |(acked, arrived): (&Instant, &Instant)| arrived.saturating_duration_since(*acked);
    acked.iter().zip(arrived).map(late).map(|late| late.as_secs_f64() * 1e6).collect()
}

struct Ours {
    version: u64,
}

impl Ours {
    fn new() -> Self {
        Self { version: 0 }
    }

    fn round(&mut self, nats: &Nats) -> anyhow::Result<Vec<f64>> {
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
            let mut acked = Vec::with_capacity(count);
            for event in &events {
                nats.store.save_event(event).await?;
                acked.push(Instant::now());
                tokio::time::sleep(PAUSE).await;
            }
            Ok(latencies(&acked, &reader.await??))
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

    fn round(&mut self, nats: &Nats) -> anyhow::Result<Vec<f64>> {
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
            let mut acked = Vec::with_capacity(count);
            for message in &messages {
                raw::publish(&nats.raw, std::slice::from_ref(message), &mut self.last, || {
                    acked.push(Instant::now())
                })
                .await?;
                tokio::time::sleep(PAUSE).await;
            }
            Ok(latencies(&acked, &reader.await??))
        })
    }
}
