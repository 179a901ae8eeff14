//! Activation, from a snapshot, against reading the same events.

use std::sync::Arc;
use std::time::Instant;

use aether_actor::{ActorOptions, SnapshotPolicy, Store};
use aether_core::{ActorId, EventStore, SnapshotStore, Version};
use aether_store_memory::MemoryEventStore;
use futures_util::TryStreamExt;
use tokio::runtime::Runtime;

use super::asking::{Askers, Target};
use super::targets::{Query, Saving, system};
use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;

const ROUNDS: usize = 5;
const ASKERS: usize = 64;
const EVENTS: usize = 100;
const SNAPSHOT_EVERY: u64 = 50;
const NOTE: &str =
    "against get_events of all their events, 64 at once; a handle on the store that has seen nothing yet";

fn options() -> ActorOptions {
    ActorOptions::default().snapshots(SnapshotPolicy::every(SNAPSHOT_EVERY))
}

/// On the memory store.
pub(crate) fn memory(report: &mut Report) -> anyhow::Result<()> {
    const ACTORS: usize = 10_000;
    let runtime = runtime()?;
    let store = MemoryEventStore::new();
    fill(&runtime, &(Arc::new(store.clone()) as Arc<dyn Store>), ACTORS)?;
    let fresh = || -> anyhow::Result<Arc<dyn Store>> { Ok(Arc::new(store.clone())) };
    let [ours, bare] = medians(
        ROUNDS,
        [&mut || activate(&runtime, &fresh()?, ACTORS), &mut || read(&runtime, fresh()?, ACTORS)],
    )?;
    let row = Row::new("memory: activations, 10k actors of 100 events", ours, "actors/s").against(bare);
    report.add(row.goal(Goal::AtLeast(1.0)).note(NOTE));
    Ok(())
}

/// On JetStream.
pub(crate) fn jetstream(report: &mut Report) -> anyhow::Result<()> {
    const ACTORS: usize = 2_000;
    let nats = Nats::start(runtime()?)?;
    let runtime = &nats.runtime;
    fill(runtime, &(Arc::new(nats.store.clone()) as Arc<dyn Store>), ACTORS)?;
    let fresh =
        || -> anyhow::Result<Arc<dyn Store>> { Ok(Arc::new(nats.runtime.block_on(nats.cold_store())?)) };
    let [ours, bare] = medians(
        ROUNDS,
        [&mut || activate(runtime, &fresh()?, ACTORS), &mut || read(runtime, fresh()?, ACTORS)],
    )?;
    let row = Row::new("jetstream: activations, 2k actors of 100 events", ours, "actors/s").against(bare);
    report.add(
        row.goal(Goal::AtLeast(1.0)).note(format!(
            "{NOTE}; 2k actors and not 10k, since filling the store takes a minute for each 5k"
        )),
    );
    Ok(())
}

/// Lets the actors save their events, and waits until their last snapshots are there.
fn fill(runtime: &Runtime, store: &Arc<dyn Store>, actors: usize) -> anyhow::Result<()> {
    let system = runtime.block_on(system(store, options()))?;
    // More than later, since here there is a save for each event.
    let askers = Askers::share(4 * ASKERS, (0..actors).map(|n| Saving(system.actor(n))).collect());
    let rounds = actors.div_ceil(4 * ASKERS) * EVENTS;
    askers.rate(runtime, rounds)?;
    runtime.block_on(async {
        let saved = system.shutdown(std::time::Duration::from_secs(60)).await;
        anyhow::ensure!(saved.unhandled.is_empty(), "the store could not be filled");
        let first = store.load_snapshot(&ActorId::new("order-0")?).await?;
        anyhow::ensure!(first.is_some(), "no snapshot was saved");
        Ok(())
    })
}

/// Activates all actors in a new system. Actors per second.
fn activate(runtime: &Runtime, store: &Arc<dyn Store>, actors: usize) -> anyhow::Result<f64> {
    let system = runtime.block_on(system(store, options()))?;
    let askers = Askers::share(ASKERS, (0..actors).map(|n| Query(system.actor(n))).collect());
    once(&askers, runtime, actors)
}

/// Reads the events of all actors. Actors per second.
fn read(runtime: &Runtime, store: Arc<dyn Store>, actors: usize) -> anyhow::Result<f64> {
    let ids = (0..actors).map(|n| ActorId::new(format!("order-{n}"))).collect::<Result<Vec<_>, _>>()?;
    let reads = ids.into_iter().map(|id| Reading(Arc::clone(&store), id)).collect();
    once(&Askers::share(ASKERS, reads), runtime, actors)
}

fn once<T: Target>(askers: &Askers<T>, runtime: &Runtime, actors: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    askers.rate(runtime, actors.div_ceil(ASKERS))?;
    Ok(actors as f64 / begun.elapsed().as_secs_f64())
}

/// An actor whose events are read.
struct Reading(Arc<dyn Store>, ActorId);

impl Target for Reading {
    async fn ask(&self) -> anyhow::Result<()> {
        let events = self.0.get_events(&self.1, Version::ZERO).try_fold(0, async |count, _| Ok(count + 1));
        let events: usize = events.await?;
        anyhow::ensure!(events >= EVENTS, "{} has only {events} events", self.1);
        Ok(())
    }
}
