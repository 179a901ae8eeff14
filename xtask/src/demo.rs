//! `cargo xtask demo`: the product at work, for whoever wants to see it.

use std::process::ExitCode;

use aether_nats_server::NatsBinary;
use anyhow::Result;
use clap::Subcommand;

use crate::shell::Cmd;

#[derive(Debug, Subcommand)]
pub(crate) enum Demo {
    /// Kill, add and restart the nodes of a cluster while money moves between its accounts, and prove that none was lost.
    Cluster {
        /// Passed on to the example `cluster`.
        #[arg(last = true)]
        rest: Vec<String>,
    },
}

pub(crate) fn run(demo: &Demo) -> Result<ExitCode> {
    match demo {
        Demo::Cluster { rest } => {
            // It starts its own server; what has to be fetched for that is fetched before it begins.
            NatsBinary::find()?;
            // It says itself what was wrong.
            let status = Cmd::cargo(["run", "--package", "cluster", "--"]).args(rest).status()?;
            Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
