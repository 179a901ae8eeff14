//! A bank: accounts that are never overdrawn, transfers between them, and books that balance whatever happens.
//!
//! ```sh
//! cargo run -p bank                                     # 1,000 transfers, in memory
//! cargo run --release -p bank -- --transfers 10000
//! cargo run -p bank --features nats -- --store nats            # on a server of yours
//! cargo run -p bank --features nats -- --store nats --kills 10 # on one that is killed
//! ```
//!
//! Accounts are actors (`account.rs`), transfers a process manager (`transfers.rs`), what is looked at are projections
//! (`balances.rs`, `outcomes.rs`), and the bank's EventStorming board (`board.yaml`) is checked against all of them. A
//! frozen account is unfrozen by a timer. In the end the whole log is read, and everybody has to agree with it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for the terminal")]

mod account;
mod ask;
mod audit;
mod balances;
mod commands;
mod faults;
mod outcomes;
mod report;
mod simulation;
#[cfg(test)]
mod tests;
mod transfers;
mod views;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aether::actor::ActorSystem;
use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};

use crate::account::Account;
use crate::audit::Books;
use crate::commands::Balance;
use crate::faults::Faults;
use crate::report::Report;
use crate::simulation::Simulation;
use crate::views::Views;
use crate::world::World;

/// Runs a bank: random transfers between accounts, and a check that no money was made or lost
#[derive(Debug, Parser)]
struct Args {
    /// How many transfers are requested
    #[arg(long, default_value_t = 1000)]
    transfers: u64,
    /// How many accounts there are
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(2..))]
    accounts: u64,
    /// How many transfers are requested at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    at_once: u64,
    /// Where everything is kept
    #[arg(long, value_enum, default_value = "memory")]
    store: Kind,
    /// The NATS server
    #[arg(long, value_name = "URL", default_value = "nats://localhost:4222", conflicts_with = "kills")]
    nats_url: String,
    /// With --store nats: start a server, and kill it so many times while the transfers run
    #[arg(long, value_name = "TIMES")]
    kills: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// In this process, gone when it ends.
    Memory,
    /// On NATS JetStream.
    Nats,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(report) => {
            print!("{}", report.text());
            if report.complaints().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Report> {
    ensure!(args.store == Kind::Nats || args.kills.is_none(), "--kills goes with --store nats");
    let faults = match args.kills {
        Some(kills) => Faults::start(kills, args.transfers).await?,
        None => Faults::none(),
    };
    let world = match args.store {
        Kind::Memory => World::memory(),
        Kind::Nats => World::nats(faults.url().as_deref().unwrap_or(&args.nats_url)).await?,
    };
    simulate(&world, args.accounts, args.transfers, args.at_once, faults).await
}

/// Runs all transfers to their end, and closes the books.
async fn simulate(
    world: &World,
    accounts: u64,
    transfers: u64,
    at_once: u64,
    faults: Faults,
) -> Result<Report> {
    let views = Views::open(&world.store).await?;
    let before = views.outcomes().started;
    let system = world.start().await?;
    let start = Instant::now();
    let simulation = Simulation::new(system.clone(), accounts, transfers, at_once, faults.clone());
    Arc::new(simulation).run().await?;
    views.settled(before + transfers).await?;
    let took = start.elapsed();
    let on_accounts = balances(&system, &views).await?;
    system.shutdown(Duration::from_secs(10)).await;
    Ok(Report {
        accounts,
        transfers,
        took,
        kills: faults.kills(transfers),
        outcomes: views.outcomes(),
        books: Books::read(&*world.store).await?,
        on_accounts,
        in_projection: views.total(),
    })
}

/// What is on all accounts, as they answer themselves.
async fn balances(system: &ActorSystem, views: &Views) -> Result<u64> {
    let mut total = 0;
    for account in views.balances.views().keys() {
        total += system.actor::<Account>(account).query(Balance).linearizable().await?;
    }
    Ok(total)
}
