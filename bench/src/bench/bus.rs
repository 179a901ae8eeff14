//! The buses: in one process against tokio's broadcast channel, and over NATS against the bare client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aether_bus::{
    BusDelivery, BusOptions, EventBus, Lag, MemoryEventBus, NamespacePattern, NatsBusConfig, NatsEventBus,
};
use aether_core::codec::{Codec, Envelope};
use aether_core::{Commit, Event, Namespace};
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;
use crate::sample;

const ROUNDS: usize = 7;
const CAPACITY: usize = 1024;
/// Published at a time; then all subscribers catch up, so that nobody misses any.
const BURST: usize = 512;
/// In a round, over all subscribers.
const DELIVERIES: usize = 2_000_000;
/// Over NATS, in a round: what the client's subscription holds at most is more than that.
const MESSAGES: usize = 40_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// One publisher and 1, 10 and 100 subscribers in one process.
pub(crate) fn in_process(report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let event = sample::events(&sample::actors("order", 1)?, [1])?.remove(0);
    for subscribers in [1, 10, 100] {
        let bursts = DELIVERIES / subscribers / BURST;
        let [ours, tokios] = medians(
            ROUNDS,
            [&mut || runtime.block_on(bus(&event, subscribers, bursts)), &mut || {
                runtime.block_on(channel(&event, subscribers, bursts))
            }],
        )?;
        let name = format!("bus in process: 1 publisher, {subscribers} subscribers");
        report.add(
            Row::new(name, ours, "events/s")
                .against(tokios)
                .goal(Goal::AtLeast(1.0))
                .note("deliveries; against tokio::sync::broadcast of Arc<Event>, of the same capacity"),
        );
    }
    Ok(())
}

/// How many deliveries all subscribers have had.
#[derive(Default)]
struct Delivered {
    count: AtomicUsize,
    enough: tokio::sync::Notify,
    wanted: AtomicUsize,
}

impl Delivered {
    fn one_more(&self) {
        if self.count.fetch_add(1, Ordering::AcqRel) + 1 == self.wanted.load(Ordering::Acquire) {
            self.enough.notify_one();
        }
    }

    fn want(&self, more: usize) {
        self.wanted.fetch_add(more, Ordering::AcqRel);
    }
}

async fn bus(event: &Event, subscribers: usize, bursts: usize) -> anyhow::Result<f64> {
    let bus = MemoryEventBus::new();
    let namespace = Namespace::new("bench")?;
    let delivered = Arc::new(Delivered::default());
    let mut tasks = JoinSet::new();
    for _ in 0..subscribers {
        let options = BusOptions::from(Lag::DropOldest { capacity: CAPACITY });
        let mut events = bus.subscribe(&NamespacePattern::from(&namespace), options)?;
        let delivered = Arc::clone(&delivered);
        tasks.spawn(async move {
            while let Some(BusDelivery::Event(_)) = events.recv().await {
                delivered.one_more();
            }
        });
    }
    let begun = Instant::now();
    for _ in 0..bursts {
        delivered.want(BURST * subscribers);
        for _ in 0..BURST {
            bus.publish(&namespace, event).await?;
        }
        tokio::time::timeout(PATIENCE, delivered.enough.notified()).await?;
    }
    Ok((bursts * BURST * subscribers) as f64 / begun.elapsed().as_secs_f64())
}

async fn channel(event: &Event, subscribers: usize, bursts: usize) -> anyhow::Result<f64> {
    let (sender, _) = broadcast::channel::<Arc<Event>>(CAPACITY);
    let event = Arc::new(event.clone());
    let delivered = Arc::new(Delivered::default());
    let mut tasks = JoinSet::new();
    for _ in 0..subscribers {
        let mut events = sender.subscribe();
        let delivered = Arc::clone(&delivered);
        tasks.spawn(async move {
            while events.recv().await.is_ok() {
                delivered.one_more();
            }
        });
    }
    let begun = Instant::now();
    for _ in 0..bursts {
        delivered.want(BURST * subscribers);
        for _ in 0..BURST {
            sender.send(Arc::clone(&event))?;
        }
        tokio::time::timeout(PATIENCE, delivered.enough.notified()).await?;
    }
    Ok((bursts * BURST * subscribers) as f64 / begun.elapsed().as_secs_f64())
}

/// One publisher and one subscriber on two connections.
pub(crate) fn over_nats(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let event = sample::events(&sample::actors("order", 1)?, [1])?.remove(0);
    let [ours, raw] = medians(
        ROUNDS,
        [&mut || nats.runtime.block_on(nats_bus(&nats, &event)), &mut || {
            nats.runtime.block_on(raw(&nats, &event))
        }],
    )?;
    report.add(
        Row::new("bus over NATS: 1 publisher, 1 subscriber", ours, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(0.85))
            .note("against publish and subscribe of async-nats with the same bytes, ready and not decoded"),
    );
    Ok(())
}

async fn nats_bus(nats: &Nats, event: &Event) -> anyhow::Result<f64> {
    let namespace = Namespace::new("bench")?;
    let config = NatsBusConfig::new("bus")?;
    let publisher = NatsEventBus::new(nats.cold_raw().await?.client(), config.clone());
    let subscriber = NatsEventBus::new(nats.cold_raw().await?.client(), config);
    let options = BusOptions::from(Lag::DropOldest { capacity: MESSAGES });
    let mut events = subscriber.subscribe(&NamespacePattern::from(&namespace), options).await?;
    let begun = Instant::now();
    let reader = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            match events.recv().await {
                Some(BusDelivery::Event(_)) => {}
                other => anyhow::bail!("the bus delivered {other:?}"),
            }
        }
        anyhow::Ok(())
    });
    for _ in 0..MESSAGES {
        publisher.publish(&namespace, event).await?;
    }
    tokio::time::timeout(PATIENCE, reader).await???;
    Ok(MESSAGES as f64 / begun.elapsed().as_secs_f64())
}

async fn raw(nats: &Nats, event: &Event) -> anyhow::Result<f64> {
    let payload = bytes::Bytes::from(encoded(event)?);
    let publisher = nats.cold_raw().await?.client();
    let subscriber = nats.cold_raw().await?.client();
    let mut messages = subscriber.subscribe("aether.bus.bench.0123456789").await?;
    // The subscription stands when a question on the same connection was answered.
    subscriber.flush().await?;
    nats.cold_raw().await?.query_account().await?;
    let begun = Instant::now();
    let reader = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            messages.next().await.ok_or_else(|| anyhow::anyhow!("the subscription ended"))?;
        }
        anyhow::Ok(())
    });
    for _ in 0..MESSAGES {
        publisher.publish("aether.bus.bench.0123456789", payload.clone()).await?;
    }
    tokio::time::timeout(PATIENCE, reader).await???;
    Ok(MESSAGES as f64 / begun.elapsed().as_secs_f64())
}

/// The event as the bus sends it.
fn encoded(event: &Event) -> anyhow::Result<Vec<u8>> {
    let commit = Commit::event(event);
    let parts = commit.parts()?;
    let envelope =
        Envelope { source: "bench", part: &parts[0], links: &[], version: event.version(), marks: None };
    let mut payload = Vec::new();
    Codec::CloudEventsJson.encode(&envelope, &mut payload);
    Ok(payload)
}
