//! What actors take in memory: an idle one, and a million of which few are live.
//!
//! Counted by an allocator that only a build of its own has; what the operating system sees is measured without it, in a
//! process of its own for each figure.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use aether_actor::{ActorOptions, ActorSystem, MemoryLimit, Store};
use aether_core::EventStore;
use aether_store_memory::MemoryEventStore;
use anyhow::Context;
use futures_util::{StreamExt, stream};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::bare::Savers;
use super::order::{Order, Place};
use crate::nats::runtime;
use crate::report::{Goal, Report, Row};

const MILLION: usize = 1_000_000;
const LIVE: usize = 10_000;
/// How many are asked at once.
const AT_ONCE: usize = 64;

/// What the counting build says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Bytes of an idle actor, its state taken off.
    idle: f64,
    /// Bytes for each command that an actor remembers.
    remembered: f64,
    /// The most bytes at once for a million actors, of the store's and the system's together.
    peak: f64,
    /// What is left of it when all have been activated: what the store holds, and the live ones.
    left: f64,
    /// What the same events take in the store alone.
    store: f64,
}

/// What a million activations took, as the operating system sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Million {
    seconds: f64,
    live: usize,
    peak_rss: f64,
}

/// Memory of idle actors.
pub(crate) fn report(report: &mut Report) -> anyhow::Result<()> {
    let counted = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", env!("CARGO_PKG_NAME"), "--bin", "bench"])
        .args(["--features", "count-allocations", "--", "actor-memory"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .context("building the bench with the counting allocator")?;
    anyhow::ensure!(counted.status.success(), "counting allocations failed");
    let counts: Counts = serde_json::from_slice(&counted.stdout)?;
    report.add(
        Row::new("memory of an idle actor, beyond its state", counts.idle, "bytes")
            .against(1024.0)
            .goal(Goal::AtMost(1.0))
            .note("against 1 KiB; with its place in the system's map, and nothing remembered"),
    );
    report.add(Row::new("memory of each command that it remembers", counts.remembered, "bytes"));
    let mib = |bytes: f64| bytes / (1024.0 * 1024.0);
    report.add(
        Row::new("1M actors, 10k live: peak of what is allocated", mib(counts.peak), "MiB")
            .against(mib(counts.store))
            .note(format!(
                "against the same events in the store alone; {:.0} MiB once all have been activated",
                mib(counts.left)
            )),
    );
    Ok(())
}

/// A million actors, each activated by a command that saves an event, of which ten thousand may be live.
pub(crate) fn million(report: &mut Report) -> anyhow::Result<()> {
    let [actors, events] = [child(&[])?, child(&["--bare"])?];
    report.add(
        Row::new("1M actors, 10k live: activations", MILLION as f64 / actors.seconds, "actors/s")
            .note(format!("completed; {} live at the end", actors.live)),
    );
    report.add(
        Row::new("1M actors, 10k live: peak RSS", actors.peak_rss, "MiB").against(events.peak_rss).note(
            "against a process that saves the same events to the memory store, which holds all of them",
        ),
    );
    Ok(())
}

/// Runs [`child_million`] in a process of its own.
fn child(args: &[&str]) -> anyhow::Result<Million> {
    let program = std::env::current_exe()?;
    let said = Command::new(program).arg("actor-million").args(args).stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(said.status.success(), "a million activations failed");
    Ok(serde_json::from_slice(&said.stdout)?)
}

/// Activates a million, or only saves their events, and prints what it took as JSON.
pub(crate) fn child_million(bare: bool) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let store = MemoryEventStore::new();
    let begun = Instant::now();
    let mut live = 0;
    if bare {
        save_bare(&store, &runtime)?;
    } else {
        let system = runtime.block_on(system(&store, ActorOptions::default(), LIVE))?;
        runtime.block_on(activate(&system, MILLION))?;
        live = system.live();
    }
    let million = Million { seconds: begun.elapsed().as_secs_f64(), live, peak_rss: peak_rss()? };
    Ok(serde_json::to_writer(std::io::stdout(), &million)?)
}

/// A system of which so many actors may be live.
async fn system(store: &MemoryEventStore, options: ActorOptions, live: usize) -> anyhow::Result<ActorSystem> {
    let store: Arc<dyn Store> = Arc::new(store.clone());
    let system = ActorSystem::builder(store).actor_with::<Order>(options);
    Ok(system.memory_limit(MemoryLimit::actors(live)).start().await?)
}

/// Activates so many actors by a command that saves an event.
async fn activate(system: &ActorSystem, actors: usize) -> anyhow::Result<()> {
    let mut asked = stream::iter(0..actors)
        .map(|n| {
            let order = system.actor::<Order>(n);
            async move { order.ask(Place).await }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(placed) = asked.next().await {
        placed?;
    }
    Ok(())
}

/// Saves the events of a million actors, a few of them ready at a time.
fn save_bare(store: &MemoryEventStore, runtime: &Runtime) -> anyhow::Result<()> {
    for first in (0..MILLION).step_by(LIVE) {
        let store: Arc<dyn EventStore> = Arc::new(store.clone());
        Savers::new(store, AT_ONCE, first..first + LIVE)?.rate(runtime, LIVE / AT_ONCE + 1)?;
    }
    Ok(())
}

/// The largest resident set of this process so far, in MiB.
fn peak_rss() -> anyhow::Result<f64> {
    // In KiB on Linux.
    Ok(getrusage(UsageWho::RUSAGE_SELF)?.max_rss() as f64 / 1024.0)
}

/// Counts, and prints the figures as JSON.
#[cfg(feature = "count-allocations")]
pub(crate) fn count() -> anyhow::Result<()> {
    let [idle, remembering] = [idle(0)?, idle(COMMANDS)?];
    let million = counted(|runtime| {
        runtime.block_on(async {
            let store = MemoryEventStore::new();
            let system = system(&store, ActorOptions::default(), LIVE).await?;
            activate(&system, MILLION).await?;
            Ok((store, system))
        })
    })?;
    let bare = counted(|runtime| {
        let store = MemoryEventStore::new();
        save_bare(&store, runtime)?;
        Ok(store)
    })?;
    let counts = Counts {
        idle,
        remembered: (remembering - idle) / COMMANDS as f64,
        peak: million.bytes_max as f64,
        left: million.bytes_current as f64,
        store: bare.bytes_current as f64,
    };
    Ok(serde_json::to_writer(std::io::stdout(), &counts)?)
}

/// How many commands each of the idle actors has executed.
#[cfg(feature = "count-allocations")]
const COMMANDS: usize = 20;

/// Bytes of each idle actor that remembers so many commands, beyond its state.
#[cfg(feature = "count-allocations")]
fn idle(remember: usize) -> anyhow::Result<f64> {
    use aether_actor::SnapshotPolicy;

    use super::order::Placed;

    const IDLE: usize = 20_000;
    let store = MemoryEventStore::new();
    {
        let runtime = one_thread()?;
        let writers = runtime.block_on(system(&store, ActorOptions::default(), LIVE))?;
        for _ in 0..COMMANDS {
            runtime.block_on(activate(&writers, IDLE))?;
        }
    }
    let loaded = counted(|runtime| {
        runtime.block_on(async {
            let options = ActorOptions::default().remember(remember).snapshots(SnapshotPolicy::NEVER);
            let readers = system(&store, options, usize::MAX).await?;
            for n in 0..IDLE {
                readers.actor::<Order>(n).query(Placed).await?;
            }
            anyhow::ensure!(readers.live() == IDLE, "not all actors are there");
            Ok(readers)
        })
    })?;
    Ok(loaded.bytes_current as f64 / IDLE as f64 - size_of::<Order>() as f64)
}

/// What `work` allocates, on one thread, so that all of it is counted. What it gives is dropped afterwards, with its tasks.
#[cfg(feature = "count-allocations")]
fn counted<T>(
    work: impl FnOnce(&Runtime) -> anyhow::Result<T>,
) -> anyhow::Result<allocation_counter::AllocationInfo> {
    let runtime = one_thread()?;
    let mut done = None;
    let counted = allocation_counter::measure(|| done = Some(work(&runtime)));
    done.transpose()?;
    Ok(counted)
}

#[cfg(feature = "count-allocations")]
fn one_thread() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
