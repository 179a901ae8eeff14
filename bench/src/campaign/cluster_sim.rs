//! Simulated clusters, many of them: each comes from a seed, and so does everything that goes wrong in it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_cluster::simulation::{self, Counts, Violation};

use crate::report::Report;

/// How many violations are printed.
const SHOWN: usize = 20;
/// What has to happen in any campaign: a fault that never occurs proves nothing.
const REQUIRED: [&str; 18] = [
    "begun beside another owner",
    "calls of unknown outcome",
    "commands done",
    "commands found in the log",
    "commands refused",
    "conflicts",
    "crashes",
    "elections of the keys",
    "elections of the store",
    "frozen processes",
    "handoffs done",
    "joins",
    "orderly leaves",
    "partitions",
    "re-sent by the caller",
    "shards given to others without a move",
    "suspended machines",
    "take-overs",
];

/// Runs so many seeds on all cores, from `seed` on. `traced` prints what happened last before each violation.
pub(crate) fn run(seed: u64, seeds: u64, traced: bool, report: &mut Report) {
    let (next, found) = (AtomicU64::new(seed), Mutex::new(Vec::new()));
    let total = Mutex::new(Counts::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut counts = Counts::default();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= seed + seeds {
                        break;
                    }
                    match if traced { simulation::trace(at) } else { simulation::run(at) } {
                        Ok(world) => counts.merge(&world),
                        Err(violation) => {
                            println!("{violation}");
                            found.lock().unwrap().push(violation);
                        }
                    }
                }
                total.lock().unwrap().merge(&counts);
            });
        }
    });
    let (counts, mut found) = (total.into_inner().unwrap(), found.into_inner().unwrap());
    found.sort_by_key(|violation: &Violation| violation.seed);
    for violation in found.iter().take(SHOWN) {
        println!();
        violation.trace.iter().for_each(|line| println!("{line}"));
        println!("{violation}");
        println!("again: cargo xtask campaign cluster-sim --seed {} -- --seeds 1 --trace", violation.seed);
    }
    report.count("simulated", "clusters", seeds);
    for (name, count) in counts.iter() {
        // A few worlds do not have everything in them.
        if seeds >= 100 && REQUIRED.contains(&name) {
            report.at_least("simulated", name, count, 1);
        } else {
            report.count("simulated", name, count);
        }
    }
    for name in REQUIRED.iter().filter(|name| seeds >= 100 && counts.get(name) == 0) {
        report.at_least("simulated", *name, 0, 1);
    }
    report.never("simulated", "clusters in which a promise was broken", found.len() as u64);
}
