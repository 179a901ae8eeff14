//! The long fault runs: `cargo xtask campaign stores`, `streams`, `actors`, `cluster-sim` and `cluster-real`. They count
//! what was acknowledged and what is there.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, and stops when it is wrong itself"
)]

mod acks;
mod actors;
#[path = "../child.rs"]
mod child;
mod cluster_real;
mod cluster_sim;
mod faults;
mod ledger;
mod lists;
mod race;
mod racer;
mod report;
mod streams;
mod writers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Report;

/// Runs faults against the stores and counts what was acknowledged and what is there. Exit code 1 on any violation.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// Writers under kills, pauses, lost acknowledgements and races.
    Stores {
        /// What the faults are drawn from: the same seed draws the same ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A tenth of everything.
        #[arg(long)]
        tenth: bool,
        /// Only this scenario: single, cluster, acks or race.
        #[arg(long)]
        only: Option<String>,
    },
    /// Followers and projections under kills, pauses and freezes.
    Streams {
        /// What the faults are drawn from: the same seed draws the same ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A tenth of everything.
        #[arg(long)]
        tenth: bool,
    },
    /// Actors under kills of servers and of the processes that run them.
    Actors {
        /// What the faults are drawn from: the same seed draws the same ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A tenth of everything.
        #[arg(long)]
        tenth: bool,
        /// Only this scenario: single, cluster or hammer.
        #[arg(long)]
        only: Option<String>,
    },
    /// A cluster of processes under kills, freezes and cuts of nodes and servers.
    ClusterReal {
        /// What the faults are drawn from: the same seed draws the same ones.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A tenth of everything.
        #[arg(long)]
        tenth: bool,
    },
    /// Simulated clusters, each from a seed of its own.
    ClusterSim {
        /// The seed of the first.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many there are.
        #[arg(long, default_value_t = 10_000)]
        seeds: u64,
        /// A tenth of them.
        #[arg(long)]
        tenth: bool,
        /// Prints what has happened last in those in which a promise is broken.
        #[arg(long)]
        trace: bool,
    },
    /// A node of a cluster; started by the campaign itself.
    #[command(hide = true)]
    ClusterNode {
        #[arg(long, value_delimiter = ',')]
        urls: Vec<String>,
        #[arg(long)]
        namespace: String,
        #[arg(long)]
        name: String,
    },
    /// One of the processes that run the bank; started by the campaign itself.
    #[command(hide = true)]
    Worker {
        #[arg(long, value_delimiter = ',')]
        urls: Vec<String>,
        #[arg(long)]
        namespace: String,
        #[arg(long)]
        replicas: usize,
    },
    /// One of the processes that follow; started by the campaign itself.
    #[command(hide = true)]
    Follower {
        #[arg(long, value_delimiter = ',')]
        urls: Vec<String>,
        #[arg(long)]
        namespace: String,
        #[arg(long)]
        name: String,
    },
    /// One of the two processes of a race; started by the campaign itself.
    #[command(hide = true)]
    Racer {
        #[arg(long, value_delimiter = ',')]
        urls: Vec<String>,
        #[arg(long)]
        namespace: String,
        #[arg(long)]
        rounds: u64,
        #[arg(long)]
        seed: u64,
    },
}

/// How much is done, and what chance is drawn from.
#[derive(Debug)]
struct Plan {
    seed: u64,
    tenth: bool,
}

impl Plan {
    /// So many of something in a whole campaign: a tenth of them in a tenth.
    fn share(&self, whole: u64) -> u64 {
        if self.tenth { whole.div_ceil(10) } else { whole }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().suite {
        Suite::Racer { urls, namespace, rounds, seed } => {
            racer::run(&urls, &namespace, rounds, seed).await?;
            Ok(ExitCode::SUCCESS)
        }
        Suite::Follower { urls, namespace, name } => {
            streams::follower::run(&urls, &namespace, &name).await?;
            Ok(ExitCode::SUCCESS)
        }
        Suite::ClusterNode { urls, namespace, name } => {
            cluster_real::node::run(&urls, &namespace, &name).await?;
            Ok(ExitCode::SUCCESS)
        }
        Suite::Worker { urls, namespace, replicas } => {
            actors::worker::run(&urls, &namespace, replicas).await?;
            Ok(ExitCode::SUCCESS)
        }
        Suite::Actors { seed, tenth, only } => {
            let (plan, mut report) = (Plan { seed, tenth }, Report::default());
            actors::run(&plan, only.as_deref(), &mut report).await?;
            report.finish("actors", seed).map(verdict)
        }
        Suite::ClusterReal { seed, tenth } => {
            let (plan, mut report) = (Plan { seed, tenth }, Report::default());
            println!("a cluster of processes on three servers, while nodes and servers fail");
            cluster_real::run(&plan, &mut report).await?;
            report.finish("cluster-real", seed).map(verdict)
        }
        Suite::ClusterSim { seed, seeds, tenth, trace } => {
            let (plan, mut report) = (Plan { seed, tenth }, Report::default());
            let seeds = plan.share(seeds);
            println!("{seeds} simulated clusters, from seed {seed} on");
            cluster_sim::run(seed, seeds, trace, &mut report);
            report.finish("cluster-sim", seed).map(verdict)
        }
        Suite::Stores { seed, tenth, only } => stores(&Plan { seed, tenth }, only.as_deref()).await,
        Suite::Streams { seed, tenth } => {
            let (plan, mut report) = (Plan { seed, tenth }, Report::default());
            println!("16 writers and 4 followers, while servers and followers fail");
            streams::run(&plan, &mut report).await?;
            report.finish("streams", seed).map(verdict)
        }
    }
}

async fn stores(plan: &Plan, only: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if wanted("single") {
        println!("64 writers on one server that is killed and restarted");
        faults::single(plan, &mut report).await?;
    }
    if wanted("cluster") {
        println!("64 writers on three servers that are killed, paused and brought back");
        faults::cluster(plan, &mut report).await?;
    }
    if wanted("acks") {
        println!("acknowledgements that never arrive, or too late");
        acks::run(plan, &mut report).await?;
    }
    if wanted("race") {
        println!("two processes race on one actor");
        race::run(plan, &mut report).await?;
    }
    report.finish("stores", plan.seed).map(verdict)
}

fn verdict(clean: bool) -> ExitCode {
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
