//! Every check of the workspace, by one command: `cargo xtask help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks through them")]

mod ci;
mod demo;
mod deny;
mod metadata;
mod nats;
mod schemas;
mod shell;
mod suites;
mod test;
mod tidy;
mod tools;
mod typos;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use shell::Cmd;

/// Builds, tests and checks Aether. Needs nothing but Rust and Python 3; what else it needs it gets by itself, into
/// target/tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build every crate with all features.
    Build {
        /// Optimised.
        #[arg(long)]
        release: bool,
    },
    /// Run all tests and doctests, against a real nats-server and a cluster of three that are started for it.
    Test(test::Args),
    /// Check formatting and lints.
    Lint {
        /// Repair what can be repaired.
        #[arg(long)]
        fix: bool,
    },
    /// Remove everything built; the tools that were fetched stay, unless told otherwise.
    Clean {
        /// Remove the tools too.
        #[arg(long)]
        tools: bool,
    },
    /// Get or run a nats-server.
    #[command(subcommand)]
    Nats(nats::Command),
    /// Show the product at work.
    #[command(subcommand)]
    Demo(demo::Demo),
    /// Measure a suite against its goals, optimised; the figures also go to target/bench/, as JSON.
    Bench(suites::BenchArgs),
    /// Run a suite's long fault campaign; the counts also go to target/campaign/, as JSON. Fails on any violation.
    Campaign(suites::CampaignArgs),
    /// Check the schema files of the examples' events: who changes an event raises its version.
    Schemas(schemas::Args),
    /// Check what no compiler checks: layers, portability, docs, file sizes, and the like.
    Tidy(tidy::Args),
    /// Check dependencies: bans, licences, sources, and advisories where their database can be reached.
    Deny,
    /// Run every check, as CI does, and show a table of the results.
    Ci(ci::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Build { release } => {
            let build = Cmd::cargo(["build", "--workspace", "--all-targets", "--all-features"]);
            if release { build.arg("--release") } else { build }.run()?;
        }
        Command::Test(args) => return test::run(&args),
        Command::Lint { fix } => lint(fix)?,
        Command::Clean { tools } => tools::clean(tools)?,
        Command::Nats(command) => nats::run(&command)?,
        Command::Demo(demo) => return demo::run(&demo),
        Command::Bench(args) => return suites::bench(&args),
        Command::Campaign(args) => return suites::campaign(&args),
        Command::Schemas(args) => schemas::run(&args)?,
        Command::Tidy(args) => tidy::run(&args)?,
        Command::Deny => {
            if let Some(missing) = deny::run()? {
                println!("note: {missing}");
            }
        }
        Command::Ci(args) => return ci::run(&args),
    }
    Ok(ExitCode::SUCCESS)
}

fn lint(fix: bool) -> Result<()> {
    if fix {
        Cmd::cargo(["clippy", "--fix", "--allow-dirty", "--allow-staged", "--workspace"])
            .args(["--all-targets", "--all-features"])
            .run()?;
        Cmd::cargo(["fmt", "--all"]).run()?;
    }
    ci::fmt()?;
    ci::clippy()
}
