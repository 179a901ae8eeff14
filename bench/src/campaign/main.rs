//! The long fault runs: `cargo xtask campaign stores`. They count what was acknowledged and what is there.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints, and stops when it is wrong itself"
)]

mod acks;
mod faults;
mod ledger;
mod race;
mod racer;
mod report;
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
    let (seed, tenth, only) = match Args::parse().suite {
        Suite::Racer { urls, namespace, rounds, seed } => {
            racer::run(&urls, &namespace, rounds, seed).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Suite::Stores { seed, tenth, only } => (seed, tenth, only),
    };
    let (plan, mut report) = (Plan { seed, tenth }, Report::default());
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("single") {
        println!("64 writers on one server that is killed and restarted");
        faults::single(&plan, &mut report).await?;
    }
    if wanted("cluster") {
        println!("64 writers on three servers that are killed, paused and brought back");
        faults::cluster(&plan, &mut report).await?;
    }
    if wanted("acks") {
        println!("acknowledgements that never arrive, or too late");
        acks::run(&plan, &mut report).await?;
    }
    if wanted("race") {
        println!("two processes race on one actor");
        race::run(&plan, &mut report).await?;
    }
    let clean = report.finish("stores", seed)?;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
