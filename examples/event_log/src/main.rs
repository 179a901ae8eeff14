//! Stores a real business log as events, and replays it into state.
//!
//! ```sh
//! cargo run --release -p event_log                        # the sample, in memory
//! cargo run --release -p event_log -- log.xes.gz          # a log of yours
//! cargo run --release -p event_log --features nats -- log.xes.gz --store nats
//! cargo run --release -p event_log --features nats -- --store nats --follow   # meanwhile, elsewhere
//! ```
//!
//! The log is in the IEEE XES format, plain or compressed by gzip. Each case becomes an actor, and what happened in it
//! becomes its events, saved in the order of their time. Then everything is forgotten but the store, each case is replayed
//! from it, and each event is held against the log, which is read again.
//!
//! It may be interrupted at any point, as may the server: the same command goes on where it stood. The report goes to
//! stdout and is the same on every store; everything else goes to stderr.

#![expect(clippy::print_stderr, reason = "this is a program for the terminal")]

mod follow;
mod ingest;
mod log;
mod progress;
mod replay;
mod report;
mod retry;
mod source;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod throughput;
mod xes;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::HumanCount;

use crate::log::Log;
use crate::source::Source;
use crate::store::{Opened, StoreArgs};

/// Stores a business log (IEEE XES) as events, replays every case from the store, and reports
#[derive(Debug, Parser)]
struct Args {
    /// The log, plain or compressed by gzip; without one, a small sample
    #[arg(value_name = "LOG.XES[.GZ]")]
    log: Option<PathBuf>,
    /// Save nothing: show the throughput of the stream, live, while another process saves to it
    #[arg(long, conflicts_with = "log")]
    follow: bool,
    /// With --follow: end when so many events are there
    #[arg(long, value_name = "EVENTS", requires = "follow")]
    until: Option<u64>,
    #[command(flatten)]
    store: StoreArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether store and log agree.
async fn run(args: Args) -> Result<bool> {
    args.store.check(args.follow)?;
    if args.follow {
        follow::follow(args.store.open().await?.store, args.until).await?;
        return Ok(true);
    }
    let source = args.log.map_or(Source::Sample, Source::File);
    let log = Log::read(&source)?;
    let (events, cases) = (HumanCount(log.event_count() as u64), HumanCount(log.cases.len() as u64));
    eprintln!("reading: {events} events of {cases} cases in {source}");
    let Opened { store, in_flight } = args.store.open().await?;
    ingest::ingest(&store, log, in_flight).await?;

    // Only the store knows the events now: what it gives back is held against a fresh copy of the log.
    let log = Log::read(&source)?;
    let replayed = replay::replay(&*store, &log, in_flight).await?;
    let throughput = throughput::throughput(store).await?;
    let report = report::report(&log, &replayed, &throughput)?;
    std::io::stdout().write_all(report.as_bytes()).context("the report cannot be written")?;
    Ok(replayed.differences.is_empty())
}
