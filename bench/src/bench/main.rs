//! What Aether costs, side by side with what it is built on: `bench stores`.
//!
//! Ratios are what counts: product and baseline take turns in one run. A missed goal is reported and fails nothing.
#![expect(clippy::print_stdout, reason = "the table is the output")]

mod memory;
mod report;
mod rounds;
mod sample;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use report::Report;

#[derive(Debug, Parser)]
#[command(about = "Measures Aether side by side with what it is built on")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// The event stores: saving and loading, in memory and on JetStream.
    Stores {
        /// Only the measurements whose name contains this; then no file is written.
        #[arg(long)]
        only: Option<String>,
    },
}

/// A measurement: it adds its rows to the report.
type Measure = fn(&mut Report) -> anyhow::Result<()>;

const STORES: &[(&str, Measure)] = &[
    ("memory-one-thread", memory::one_thread),
    ("memory-per-event", memory::per_event),
    ("memory-two-threads", memory::two_threads),
];

fn main() -> anyhow::Result<()> {
    let Suite::Stores { only } = Arguments::parse().suite;
    let chosen = |name: &str| only.as_deref().is_none_or(|word| name.contains(word));
    let mut report = Report::begin();
    for (_, measure) in STORES.iter().filter(|(name, _)| chosen(name)) {
        measure(&mut report)?;
    }
    if only.is_some() {
        return Ok(());
    }
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    report.write(&workspace.join("target/bench/stores.json"))
}
