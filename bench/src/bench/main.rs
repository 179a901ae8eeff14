//! What Aether costs, side by side with what it is built on: `bench stores`, `bench streams`,
//! `bench actors`, `bench cluster`.
//!
//! Ratios are what counts: product and baseline take turns in one run. A missed goal is reported and fails nothing.
#![expect(clippy::print_stdout, reason = "the table is the output")]

mod actors;
mod allocations;
mod bus;
#[path = "../child.rs"]
mod child;
mod cluster;
mod cqrs;
mod groups;
mod lanes;
mod live;
mod loading;
mod memory;
mod nats;
mod raw;
mod replay;
mod report;
mod rounds;
mod sample;
mod saving;

use std::path::Path;

use anyhow::Context;
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
    /// Events on the move: subscriptions, projections, groups and buses.
    Streams {
        /// Only the measurements whose name contains this; then no file is written.
        #[arg(long)]
        only: Option<String>,
    },
    /// Event-sourced actors: commands, queries, activation and memory.
    Actors {
        /// Only the measurements whose name contains this; then no file is written.
        #[arg(long)]
        only: Option<String>,
    },
    /// The cluster: placement, routing, moves and failovers.
    Cluster {
        /// Only the measurements whose name contains this; then no file is written.
        #[arg(long)]
        only: Option<String>,
    },
    /// A node of a cluster; run by `cluster`.
    #[command(hide = true)]
    ClusterNode {
        #[command(flatten)]
        setting: cluster::node::Setting,
        #[arg(long)]
        name: String,
    },
    /// Activates a million actors and prints what it takes; run by `actors`.
    #[command(hide = true)]
    ActorMillion {
        /// Only saves the same events.
        #[arg(long)]
        bare: bool,
    },
    /// Prints the memory of actors; run by `actors`.
    #[cfg(feature = "count-allocations")]
    #[command(hide = true)]
    ActorMemory,
    /// Prints what cqrs-es takes; run by `stores`.
    #[command(hide = true)]
    CqrsEs,
    /// Prints the allocations of a save; run by `stores`.
    #[cfg(feature = "count-allocations")]
    #[command(hide = true)]
    Allocations,
}

/// A measurement: it adds its rows to the report.
type Measure = fn(&mut Report) -> anyhow::Result<()>;

const STORES: &[(&str, Measure)] = &[
    ("memory-one-thread", memory::one_thread),
    ("memory-per-event", memory::per_event),
    ("memory-two-threads", memory::two_threads),
    ("memory-cqrs-es", cqrs::append),
    ("jetstream-concurrent", saving::concurrent),
    ("jetstream-sequential", saving::sequential),
    ("jetstream-cold-load", loading::cold),
    ("allocations", allocations::report),
];

const STREAMS: &[(&str, Measure)] = &[
    ("replay", replay::full),
    ("live", live::delivery),
    ("bus-in-process", bus::in_process),
    ("bus-over-nats", bus::over_nats),
    ("group", groups::members),
];

fn main() -> anyhow::Result<()> {
    match Arguments::parse().suite {
        Suite::Stores { only } => run("stores", STORES, only.as_deref()),
        Suite::Streams { only } => run("streams", STREAMS, only.as_deref()),
        Suite::Actors { only } => run("actors", actors::MEASUREMENTS, only.as_deref()),
        Suite::Cluster { only } => run("cluster", cluster::MEASUREMENTS, only.as_deref()),
        Suite::ClusterNode { setting, name } => cluster::node::child(&setting, &name),
        Suite::ActorMillion { bare } => actors::footprint::child_million(bare),
        #[cfg(feature = "count-allocations")]
        Suite::ActorMemory => actors::footprint::count(),
        Suite::CqrsEs => cqrs::child(),
        #[cfg(feature = "count-allocations")]
        Suite::Allocations => allocations::count(),
    }
}

fn run(suite: &str, measurements: &[(&str, Measure)], only: Option<&str>) -> anyhow::Result<()> {
    let chosen = |name: &str| only.is_none_or(|word| name.contains(word));
    let mut report = Report::begin();
    for (_, measure) in measurements.iter().filter(|(name, _)| chosen(name)) {
        measure(&mut report)?;
    }
    if only.is_some() {
        return Ok(());
    }
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("this package is in a workspace")?;
    report.write(&workspace.join("target/bench").join(format!("{suite}.json")))
}
