//! A consumer group of four members against one of one, where handling takes time.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aether_coordination::{NatsConfig, NatsCoordination};
use aether_core::{EventStoreExt, SubscribeFrom};
use aether_group::{ConsumerGroup, Member, each};
use futures_util::future::try_join_all;

use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;
use crate::sample;

const ROUNDS: usize = 5;
const ACTORS: usize = 1000;
/// Of each actor, in a round.
const EVENTS: u64 = 3;
const HANDLING: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// Four members against one.
pub(crate) fn members(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let round = Cell::new(0);
    let handle = |members| {
        round.set(round.get() + 1);
        nats.runtime.block_on(handle(&nats, members, round.get()))
    };
    let [four, one] = medians(ROUNDS, [&mut || handle(4), &mut || handle(1)])?;
    report.add(
        Row::new("group: 4 members, a handler that waits 1 ms", four, "events/s")
            .against(one)
            .goal(Goal::AtLeast(3.0))
            .note("against one member; each with a subscription of its own, handling one event at a time"),
    );
    Ok(())
}

/// Events a second, from the first save to the last handled event.
async fn handle(nats: &Nats, members: usize, round: u64) -> anyhow::Result<f64> {
    let client = nats.cold_raw().await?.client();
    let coordination = Arc::new(NatsCoordination::create(client, NatsConfig::new("groups")).await?);
    let handled = Arc::new(AtomicUsize::new(0));
    let mut joined: Vec<Member> = Vec::new();
    for _ in 0..members {
        let handled = Arc::clone(&handled);
        let handler = each(move |_, _| {
            let handled = Arc::clone(&handled);
            async move {
                tokio::time::sleep(HANDLING).await;
                handled.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        });
        let group = ConsumerGroup::builder(
            format!("round-{round}"),
            Arc::new(nats.cold_store().await?),
            coordination.clone(),
        );
        joined.push(group.from(SubscribeFrom::Now).join(handler).await?);
    }
    for member in &joined {
        let has_its_share = |progress: &aether_group::Progress| progress.partitions.len() == 64 / members;
        tokio::time::timeout(PATIENCE, member.watch().wait_for(has_its_share)).await??;
    }
    let actors = sample::actors(&format!("round{round}"), ACTORS)?;
    let events = sample::events(&actors, 1..=EVENTS)?;
    let begun = Instant::now();
    for events in events.chunks(ACTORS) {
        try_join_all(events.iter().map(|event| nats.store.save_event(event))).await?;
    }
    let all = async {
        while handled.load(Ordering::Relaxed) < events.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await?;
    let took = begun.elapsed();
    for member in joined {
        member.stop().await.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(events.len() as f64 / took.as_secs_f64())
}
