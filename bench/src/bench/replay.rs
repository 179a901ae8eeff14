//! Reading a whole stream through a subscription, against the bare client's ordered consumer.

use std::time::Instant;

use aether_core::{Delivery, Subscribe, SubscribeOptions};
use async_nats::jetstream::consumer::push::OrderedConfig;
use futures_util::{StreamExt, TryStreamExt};

use crate::lanes::Lanes;
use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;

const WRITERS: usize = 500;
const ACTORS_EACH: usize = 20;
/// Of each actor: a million in all.
const COMMITS: u64 = 100;
pub(crate) const EVENTS: usize = WRITERS * ACTORS_EACH * COMMITS as usize;
const ROUNDS: usize = 5;

/// A server whose stream holds a million events of ten thousand actors.
pub(crate) fn million() -> anyhow::Result<Nats> {
    let nats = Nats::start(runtime()?)?;
    let mut lanes = Lanes::new("order", WRITERS, ACTORS_EACH)?;
    for _ in 0..COMMITS / 10 {
        lanes.save(&nats, 10, 1)?;
    }
    Ok(nats)
}

/// A million events, from the first to the last.
pub(crate) fn full(report: &mut Report) -> anyhow::Result<()> {
    let nats = million()?;
    let [ours, raw] = medians(ROUNDS, [&mut || subscription(&nats), &mut || consumer(&nats)])?;
    report.add(
        Row::new("jetstream: full replay of 1M events, subscription", ours, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(0.90))
            .note("against an ordered push consumer of async-nats on the same stream, messages not decoded"),
    );
    Ok(())
}

/// All events through a subscription, in events a second.
pub(crate) fn subscription(nats: &Nats) -> anyhow::Result<f64> {
    nats.runtime.block_on(async {
        let store = nats.cold_store().await?;
        let begun = Instant::now();
        let mut subscription = store.subscribe(&SubscribeOptions::default()).await?;
        let mut events = 0;
        while events < EVENTS {
            match subscription.try_next().await? {
                Some(Delivery::Event(_)) => events += 1,
                Some(_) => {}
                None => anyhow::bail!("the subscription ended"),
            }
        }
        Ok(EVENTS as f64 / begun.elapsed().as_secs_f64())
    })
}

fn consumer(nats: &Nats) -> anyhow::Result<f64> {
    nats.runtime.block_on(async {
        let context = nats.cold_raw().await?;
        let stream = context.get_stream(nats.store.stream_name()).await?;
        let config =
            OrderedConfig { deliver_subject: context.client().new_inbox(), ..OrderedConfig::default() };
        let begun = Instant::now();
        let mut messages = stream.create_consumer(config).await?.messages().await?;
        for _ in 0..EVENTS {
            messages.next().await.ok_or_else(|| anyhow::anyhow!("the consumer ended"))??;
        }
        Ok(EVENTS as f64 / begun.elapsed().as_secs_f64())
    })
}
