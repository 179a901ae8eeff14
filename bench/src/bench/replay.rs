//! Reading a whole stream: through a subscription, against the bare client's ordered consumer, and by a projection,
//! against the subscription.

use std::sync::Arc;
use std::time::Instant;

use aether_core::{Delivery, RecordedEvent, Subscribe, SubscribeOptions};
use aether_projection::{ApplyError, Keys, MemoryModel, Projection};
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
const EVENTS: usize = WRITERS * ACTORS_EACH * COMMITS as usize;
const ROUNDS: usize = 5;

/// A server whose stream holds a million events of ten thousand actors.
fn million() -> anyhow::Result<Nats> {
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
    let [ours, raw, projected] =
        medians(ROUNDS, [&mut || subscription(&nats), &mut || consumer(&nats), &mut || projection(&nats)])?;
    report.add(
        Row::new("jetstream: full replay of 1M events, subscription", ours, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(0.90))
            .note("against an ordered push consumer of async-nats on the same stream, messages not decoded"),
    );
    report.add(
        Row::new("jetstream: a projection that counts by category, 1M events", projected, "events/s")
            .against(ours)
            .goal(Goal::AtLeast(0.80))
            .note("into views in memory, against the bare subscription"),
    );
    Ok(())
}

/// All events through a subscription, in events a second.
fn subscription(nats: &Nats) -> anyhow::Result<f64> {
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

/// Counts the events of each category.
struct CountByCategory;

impl Projection for CountByCategory {
    type View = u64;

    fn name(&self) -> &str {
        "count_by_category"
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        Keys::one(event.event.actor().category())
    }

    fn apply(&self, _category: &str, count: &mut u64, _event: &RecordedEvent) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

fn projection(nats: &Nats) -> anyhow::Result<f64> {
    nats.runtime.block_on(async {
        let store = nats.cold_store().await?;
        let begun = Instant::now();
        let model = MemoryModel::new(CountByCategory);
        let projector = model.projector(Arc::new(store)).run().await?;
        projector.watch().wait_for(|progress| progress.handled >= EVENTS as u64).await?;
        let took = begun.elapsed();
        anyhow::ensure!(*model.view("order") == EVENTS as u64, "the view is wrong");
        projector.stop().await?;
        Ok(EVENTS as f64 / took.as_secs_f64())
    })
}
