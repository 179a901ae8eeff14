//! Many worlds, and worlds in which a rule is broken.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mutant::Mutant;
use super::report::{Counts, Violation};
use super::scenario::live;

/// How many worlds there are.
const SEEDS: u64 = 200;
/// Within how many of them a broken rule is noticed.
const MUTANT_SEEDS: u64 = 400;

/// Looks at so many worlds, until one is wrong.
fn look(seeds: u64, mutant: Option<Mutant>) -> Result<Counts, Violation> {
    let (next, found) = (AtomicU64::new(0), Mutex::new(None));
    let total = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || found.lock().unwrap().is_some() {
                        return;
                    }
                    match live(seed, mutant, false) {
                        Ok(counts) => total.lock().unwrap().merge(&counts),
                        Err(violation) => *found.lock().unwrap() = Some(violation),
                    }
                }
            });
        }
    });
    found.into_inner().unwrap().map_or(Ok(total.into_inner().unwrap()), Err)
}

/// Some of what has to happen, or else the faults are none.
const HAPPENS: [&str; 12] = [
    "begun beside another owner",
    "calls of unknown outcome",
    "commands found in the log",
    "commands refused",
    "conflicts",
    "crashes",
    "handoffs done",
    "joins",
    "orderly leaves",
    "partitions",
    "re-sent by the caller",
    "shards given to others without a move",
];

#[test]
fn whatever_happens_every_promise_is_kept() {
    let counts = look(SEEDS, None).unwrap_or_else(|violation| panic!("{violation}"));
    for name in HAPPENS {
        assert!(counts.get(name) > 0, "{name} never happens");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 2..5 {
        assert_eq!(live(seed, None, false), live(seed, None, true));
    }
}

/// A world in which a rule is broken is found to be wrong.
fn is_caught(mutant: Mutant) {
    assert!(look(MUTANT_SEEDS, Some(mutant)).is_err(), "nobody has noticed");
}

#[test]
fn no_epoch_check_is_caught() {
    is_caught(Mutant::NoEpochCheck);
}

#[test]
fn a_plan_that_is_not_stamped_is_caught() {
    is_caught(Mutant::NotStamped);
}

#[test]
fn a_barrier_that_is_confirmed_by_a_read_is_caught() {
    is_caught(Mutant::ConfirmedByRead);
}

#[test]
fn no_barrier_is_caught() {
    is_caught(Mutant::NoBarrier);
}

#[test]
fn no_look_up_after_a_reload_is_caught() {
    is_caught(Mutant::NoLookUp);
}

#[test]
fn a_handover_without_its_buffer_is_caught() {
    is_caught(Mutant::NoBuffer);
}

#[test]
fn an_earlier_reply_that_is_believed_is_caught() {
    is_caught(Mutant::EarlierReplyBelieved);
}

#[test]
fn an_addressee_that_is_ignored_is_caught() {
    is_caught(Mutant::AddresseeIgnored);
}

#[test]
fn a_node_that_acts_though_it_is_deaf_is_caught() {
    is_caught(Mutant::DeafActs);
}

#[test]
fn a_queue_group_is_caught() {
    is_caught(Mutant::QueueGroups);
}

#[test]
fn a_failover_that_waits_for_the_dead_is_caught() {
    is_caught(Mutant::WaitsForTheDead);
}

#[test]
fn an_old_report_that_counts_is_caught() {
    is_caught(Mutant::OldReportsCount);
}
