//! Allocations per save, counted by an allocator that only a build of its own has, since counting costs time.

use std::process::{Command, Stdio};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::report::{Report, Row};

/// Allocations for one save, of each contestant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    memory: f64,
    jetstream: f64,
    raw: f64,
}

pub(crate) fn report(report: &mut Report) -> anyhow::Result<()> {
    let counts = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", env!("CARGO_PKG_NAME"), "--bin", "bench"])
        .args(["--features", "count-allocations", "--", "allocations"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .context("building the bench with the counting allocator")?;
    anyhow::ensure!(counts.status.success(), "counting allocations failed");
    let counts: Counts = serde_json::from_slice(&counts.stdout)?;
    report.add(
        Row::new("memory: allocations per save_event", counts.memory, "allocs")
            .note("the boxed future of save; the rest is new actors and logs that grow"),
    );
    report.add(
        Row::new("jetstream: allocations per save_event", counts.jetstream, "allocs").against(counts.raw).note(
            "of the whole client, connection task included; raw has its subject and payload ready and also allocates for \
             headers, its own inbox and the ack",
        ),
    );
    Ok(())
}

/// Counts, and prints the figures as JSON.
#[cfg(feature = "count-allocations")]
pub(crate) fn count() -> anyhow::Result<()> {
    use aether_core::EventStoreExt;
    use aether_store_memory::MemoryEventStore;
    use allocation_counter::measure;

    use crate::nats::Nats;
    use crate::raw::{self, Message};
    use crate::sample;

    let actors = sample::actors("order", 100)?;
    let events = sample::events(&actors, 1..=20)?;
    let each = |total: u64| total as f64 / events.len() as f64;
    let mut done = Ok(());

    let store = MemoryEventStore::new();
    let memory = measure(|| {
        done = futures_executor::block_on(async {
            for event in &events {
                store.save_event(event).await?;
            }
            anyhow::Ok(())
        });
    });
    std::mem::replace(&mut done, Ok(()))?;

    // One thread runs everything, so that all of the client is counted.
    let nats = Nats::start(tokio::runtime::Builder::new_current_thread().enable_all().build()?)?;
    let jetstream = measure(|| {
        done = nats.runtime.block_on(async {
            for event in &events {
                nats.store.save_event(event).await?;
            }
            anyhow::Ok(())
        });
    });
    std::mem::replace(&mut done, Ok(()))?;

    let mut last = vec![0; actors.len()];
    let number = |n: usize| (n % actors.len(), (n / actors.len()) as u64 + 1);
    let message = |(n, event)| Message::new(&nats.raw_stream, number(n).0, event, number(n).1);
    let messages = events.iter().enumerate().map(message).collect::<anyhow::Result<Vec<_>>>()?;
    let raw = measure(|| done = nats.runtime.block_on(raw::publish(&nats.raw, &messages, &mut last, || ())));
    done?;

    let counts = Counts {
        memory: each(memory.count_total),
        jetstream: each(jetstream.count_total),
        raw: each(raw.count_total),
    };
    Ok(serde_json::to_writer(std::io::stdout(), &counts)?)
}
