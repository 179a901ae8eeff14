//! `cargo xtask bench` and `cargo xtask campaign`: programs of their own, since they need the whole product.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::shell::Cmd;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The part to measure: `stores`, `streams`, `actors` or `cluster`.
    suite: String,
    /// Passed on to the suite.
    #[arg(last = true)]
    rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The part to put under fire: `stores`, `streams`, `actors`, `cluster-sim` or `cluster-real`.
    suite: String,
    /// The seed of everything random, to run again what was found.
    #[arg(long)]
    seed: Option<u64>,
    /// A tenth of it, as CI does.
    #[arg(long)]
    tenth: bool,
    /// Passed on to the suite.
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    exit_code(suite("bench", &args.suite).args(&args.rest))
}

pub(crate) fn campaign(args: &CampaignArgs) -> Result<ExitCode> {
    let mut cmd = suite("campaign", &args.suite);
    if let Some(seed) = args.seed {
        cmd = cmd.arg("--seed").arg(seed.to_string());
    }
    if args.tenth {
        cmd = cmd.arg("--tenth");
    }
    exit_code(cmd.args(&args.rest))
}

/// A run of one of the programs in the package `aether-bench`: only what measures is built for speed.
fn suite(program: &str, suite: &str) -> Cmd {
    let profile = if program == "bench" { "release" } else { "dev" };
    Cmd::cargo(["run", "--profile", profile, "--package", "aether-bench", "--bin", program, "--"]).arg(suite)
}

/// The program has said what there is to say; its verdict is passed on.
fn exit_code(cmd: Cmd) -> Result<ExitCode> {
    let code = cmd.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
