//! Many worlds, and worlds in which a rule is broken.

use std::sync::Mutex;

use super::scenario::{Counts, Mutant, Violation, live};

/// Looks at so many worlds of a kind, until one is wrong. Seeds that are alike modulo 8 make worlds of one kind.
fn look(seeds: impl Iterator<Item = u64> + Send, mutant: Option<Mutant>) -> Result<Counts, Violation> {
    let (seeds, found) = (Mutex::new(seeds), Mutex::new(None));
    let total = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while found.lock().unwrap().is_none() {
                    let next = seeds.lock().unwrap().next();
                    let Some(seed) = next else { return };
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
    let counts = look(0..200, None).unwrap_or_else(|violation| panic!("{violation}"));
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

/// Nodes come and go in order.
const ORDER: u64 = 0;
/// One node stands still.
const FROZEN: u64 = 1;
/// There is trouble with nodes, or with the store.
const NODES: u64 = 2;
const STORE: u64 = 3;

/// A rule that is broken is noticed in a few hundred worlds of a kind.
fn is_caught(mutant: Mutant, kind: u64) {
    let seeds = (0..300).map(|seed| seed * 8 + kind);
    assert!(look(seeds, Some(mutant)).is_err(), "nobody has noticed");
}

#[test]
fn no_epoch_check_is_caught() {
    is_caught(Mutant::NoEpochCheck, NODES);
}

#[test]
fn a_plan_that_is_not_stamped_is_caught() {
    is_caught(Mutant::NotStamped, ORDER);
}

#[test]
fn a_barrier_that_is_confirmed_by_a_read_is_caught() {
    is_caught(Mutant::ConfirmedByRead, STORE);
}

#[test]
fn no_barrier_is_caught() {
    is_caught(Mutant::NoBarrier, STORE);
}

#[test]
fn no_look_up_after_a_reload_is_caught() {
    is_caught(Mutant::NoLookUp, STORE);
}

#[test]
fn a_handover_without_its_buffer_is_caught() {
    is_caught(Mutant::NoBuffer, ORDER);
}

#[test]
fn an_earlier_reply_that_is_believed_is_caught() {
    is_caught(Mutant::EarlierReplyBelieved, NODES);
}

#[test]
fn an_addressee_that_is_ignored_is_caught() {
    is_caught(Mutant::AddresseeIgnored, ORDER);
}

#[test]
fn a_node_that_acts_though_it_is_deaf_is_caught() {
    is_caught(Mutant::DeafActs, FROZEN);
}

#[test]
fn a_queue_group_is_caught() {
    is_caught(Mutant::QueueGroups, FROZEN);
}

#[test]
fn a_failover_that_waits_for_the_dead_is_caught() {
    is_caught(Mutant::WaitsForTheDead, NODES);
}

#[test]
fn an_old_report_that_counts_is_caught() {
    is_caught(Mutant::OldReportsCount, ORDER);
}
