//! Loading one actor from a large stream, cold, against a consumer that filters.

use std::sync::atomic::{AtomicUsize, Ordering};

use aether_core::{ActorId, EventStore, Version};
use async_nats::jetstream::consumer::push::OrderedConfig;
use futures_util::{StreamExt, TryStreamExt};

use crate::lanes::Lanes;
use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::{medians, time};
use crate::sample;

const WRITERS: usize = 500;
const ACTORS_EACH: usize = 20;
/// Of each actor: a million in all.
const COMMITS: u64 = 100;
const ROUNDS: usize = 15;

/// One actor's 100 commits among a million of ten thousand actors, by a handle that has seen nothing yet.
pub(crate) fn cold(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let mut lanes = Lanes::new("order", WRITERS, ACTORS_EACH)?;
    for _ in 0..COMMITS / 10 {
        lanes.save(&nats, 10, 1)?;
    }
    let actors = sample::actors("order", WRITERS * ACTORS_EACH)?;
    // Each load another actor, spread over all of them.
    let next = AtomicUsize::new(0);
    let actor = || &actors[next.fetch_add(1, Ordering::Relaxed) * 613 % actors.len()];
    let [ours, filtered] =
        medians(ROUNDS, [&mut || by_links(&nats, actor()), &mut || by_filter(&nats, actor())])?;
    report.add(
        Row::new("jetstream: cold load of 100 commits in 1M messages", ours, "ms")
            .against(filtered)
            .goal(Goal::AtMost(0.10))
            .note("against an ordered push consumer of async-nats with the actor's filter, until its last message"),
    );
    Ok(())
}

fn by_links(nats: &Nats, actor: &ActorId) -> anyhow::Result<f64> {
    let store = nats.runtime.block_on(nats.cold_store())?;
    let load = store.get_events(actor, Version::ZERO).try_collect::<Vec<_>>();
    let (took, events) = time(|| nats.runtime.block_on(load));
    anyhow::ensure!(events?.len() as u64 == COMMITS, "a load is incomplete");
    Ok(took.as_secs_f64() * 1e3)
}

fn by_filter(nats: &Nats, actor: &ActorId) -> anyhow::Result<f64> {
    let load = async {
        let context = nats.cold_raw().await?;
        let stream = context.get_stream(nats.store.stream_name()).await?;
        let config = OrderedConfig {
            deliver_subject: context.client().new_inbox(),
            filter_subject: format!("{}.{}", nats.store.stream_name(), actor.subject()),
            ..OrderedConfig::default()
        };
        let begun = std::time::Instant::now();
        let mut messages = stream.create_consumer(config).await?.messages().await?;
        for _ in 0..COMMITS {
            messages.next().await.ok_or_else(|| anyhow::anyhow!("the consumer ended"))??;
        }
        anyhow::Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    nats.runtime.block_on(load)
}
