//! `cargo xtask ci`: every check, one after the other, and a table of the results.

mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use steps::{STEPS, Step};
pub(crate) use steps::{clippy, fmt};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// Run only this step; may be given several times.
    #[arg(long, value_name = "STEP", conflicts_with = "skip")]
    only: Vec<String>,
}

/// The result of a step.
#[derive(Debug)]
enum Outcome {
    Ok,
    /// Not possible, or not completely, on this machine: no fault of the code.
    NotPossible(String),
    Failed(String),
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    for name in args.skip.iter().chain(&args.only) {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        ensure!(known.contains(&name.as_str()), "there is no step `{name}`; there are {}", known.join(", "));
    }
    let chosen = |step: &&Step| {
        let named = |names: &[String]| names.iter().any(|name| name == step.name);
        !named(&args.skip) && (args.only.is_empty() || named(&args.only))
    };
    let start = Instant::now();
    let mut results = Vec::new();
    for step in STEPS.iter().filter(chosen) {
        println!("\n== {}: {}", step.name, step.what);
        let start = Instant::now();
        let outcome = match (step.run)() {
            Ok(None) => Outcome::Ok,
            Ok(Some(why)) => Outcome::NotPossible(why),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        let took = start.elapsed();
        println!("== {}: {} after {:.1} s", step.name, outcome.word(), took.as_secs_f64());
        results.push((step.name, outcome, took));
    }
    Ok(report(&results, start.elapsed()))
}

fn report(results: &[(&str, Outcome, Duration)], total: Duration) -> ExitCode {
    println!("\n{:<10} {:<8} {:>8}", "step", "result", "seconds");
    for (name, outcome, took) in results {
        let remark = match outcome {
            Outcome::Ok => "",
            Outcome::NotPossible(why) | Outcome::Failed(why) => why,
        };
        println!("{name:<10} {:<8} {:>8.1}  {remark}", outcome.word(), took.as_secs_f64());
    }
    println!("{:<10} {:<8} {:>8.1}", "total", "", total.as_secs_f64());
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
        .map(|(name, ..)| *name)
        .collect();
    if failed.is_empty() {
        println!("\nno step failed");
        ExitCode::SUCCESS
    } else {
        println!("\nfailed steps: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

impl Outcome {
    fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotPossible(_) => "partly",
            Self::Failed(_) => "FAILED",
        }
    }
}
