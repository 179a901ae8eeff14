//! A bank on a cluster of processes that are killed, started, added and restarted while money moves.
//!
//! ```sh
//! cargo xtask demo cluster                                       # or, which is the same:
//! cargo run -p cluster
//! ```
//!
//! It starts a nats-server and the nodes of a cluster, each a process of its own (`node.rs`), and plays what is in `script.rs`
//! while customers move money between accounts (`load.rs`). `screen.rs` shows what the cluster does meanwhile. In the end
//! `proof.rs` reads the whole log, asks every account, and holds both against the answers that customers have been given.
//!
//! The accounts are those of the example `bank`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for the terminal")]

#[path = "../../bank/src/account.rs"]
mod account;
#[path = "../../bank/src/audit.rs"]
mod audit;
#[path = "../../bank/src/commands.rs"]
mod commands;
mod load;
mod node;
mod processes;
mod proof;
mod screen;
mod script;
mod tally;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::script::Script;

/// Kills, adds and restarts the nodes of a cluster while money moves between its accounts, and proves that none was lost
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many seconds to let it run between two things that happen
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    pause: u64,
    /// How many accounts there are
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(2..))]
    accounts: u64,
    /// How many customers move money at the same time
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..))]
    customers: u64,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One node of the cluster: the program starts itself so.
    #[command(hide = true)]
    Node {
        #[arg(long)]
        name: String,
        #[arg(long)]
        url: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let ended = match args.role {
        Some(Role::Node { name, url }) => node::run(&name, &url).await.map(|()| true),
        None => {
            demo(Script {
                accounts: args.accounts,
                customers: args.customers,
                pause: Duration::from_secs(args.pause),
            })
            .await
        }
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the script, and says whether everything was as it has to be. The nodes' logs are kept if not.
async fn demo(script: Script) -> Result<bool> {
    let logs = tempfile::Builder::new().prefix("aether-demo-").tempdir().context("no place for logs")?;
    let played = tokio::select! {
        played = script.play(logs.path()) => played,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            bail!("interrupted");
        }
    };
    let proved = played.as_ref().is_ok_and(proof::Proof::holds);
    match &played {
        Ok(proof) => print!("\n{}", proof.text()),
        Err(error) => eprintln!("error: {error:#}"),
    }
    if !proved {
        eprintln!("what the nodes have said is in {}", logs.keep().display());
    }
    Ok(proved)
}
