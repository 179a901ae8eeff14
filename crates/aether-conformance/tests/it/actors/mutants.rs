//! Stores with one fault each, and the rules that have to find it.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aether_actor::Store;
use aether_conformance::actors::{Fixture, RULES, Storage};
use aether_core::Source;
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;

use super::faults::{Fault, Faulty};

/// Rules at work at the same time; most of them wait.
const THREADS: usize = 8;

/// Which rules find which fault.
const CAUGHT_BY: &[(Fault, &[&str])] = &[
    (
        Fault::ProvesEverything,
        &[
            "saving::an_answer_that_saves_nothing_is_true",
            "saving::a_refusal_is_true",
            "queries::linearizable_ones_see_the_writes_of_others",
        ],
    ),
    (
        Fault::IgnoresHeads,
        &[
            "conflicts::no_update_is_lost",
            "conflicts::a_command_is_decided_again",
            "once::through_two_systems",
        ],
    ),
    (
        Fault::ForgetsNotes,
        &[
            "once::after_leaving_memory",
            "once::after_a_restart",
            "once::after_a_snapshot",
            "once::beyond_what_is_remembered",
            "once::within_1024_commits",
            "once::since_narrows_the_search",
            "once::a_recorded_refusal_stays_the_same",
        ],
    ),
    (
        Fault::SavesNothing,
        &[
            "saving::a_reply_is_backed_by_its_events",
            "shutdown::finishes_what_waits",
            "outages::a_lost_acknowledgement_is_found_out",
            "outages::a_lost_save_is_saved_again",
            "outages::several_losses_are_overcome",
            "outages::an_unavailable_store_is_waited_for",
        ],
    ),
    (Fault::ReadsBehind, &["queries::never_go_back"]),
    (
        Fault::ReadsFromTheStart,
        &["snapshots::are_taken_after_so_many_events_and_used", "conflicts::no_update_is_lost"],
    ),
    (
        Fault::ForgetsSnapshots,
        &[
            "snapshots::are_taken_after_so_many_events_and_used",
            "snapshots::are_taken_when_the_actor_leaves",
            "snapshots::of_an_older_form_are_upcast",
            "shutdown::takes_the_snapshots_that_are_due",
        ],
    ),
    (
        Fault::SpoilsSnapshots,
        &[
            "snapshots::are_taken_after_so_many_events_and_used",
            "snapshots::are_taken_when_the_actor_leaves",
            "time_travel::to_any_version",
        ],
    ),
    (Fault::KeepsNoTime, &["time_travel::to_any_time"]),
    (Fault::ForgetsMetadata, &["saving::events_name_their_command"]),
    (Fault::ProvesByWriting, &["saving::a_refusal_saves_nothing", "queries::know_an_actor_without_events"]),
];

struct On(Fault);

struct Place(MemoryEventStore, Fault);

#[async_trait]
impl Fixture for On {
    async fn storage(&self) -> Result<Box<dyn Storage>, Source> {
        Ok(Box::new(Place(MemoryEventStore::new(), self.0)))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }
}

#[async_trait]
impl Storage for Place {
    async fn open(&self) -> Result<Arc<dyn Store>, Source> {
        Ok(Arc::new(Faulty { store: self.0.clone(), fault: self.1 }))
    }
}

fn is_caught(fault: Fault, name: &str) -> bool {
    let rule = RULES.iter().find(|rule| rule.to_string() == name);
    let rule = rule.unwrap_or_else(|| panic!("there is no rule {name}"));
    catch_unwind(AssertUnwindSafe(|| rule.run(&On(fault)))).is_err()
}

#[test]
fn every_fault_is_found_by_its_rules() {
    // These panics are what is wanted; nobody has to see them.
    std::panic::set_hook(Box::new(|_| {}));
    let pairs = CAUGHT_BY.iter().flat_map(|(fault, rules)| rules.iter().map(|rule| (*fault, *rule)));
    let (left, rows) = (Mutex::new(pairs.collect::<Vec<_>>()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some((fault, rule)) = left.lock().unwrap().pop() else { break };
                    let caught = is_caught(fault, rule);
                    rows.lock().unwrap().push((format!("{fault:?}"), rule, caught));
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let mut rows = rows.into_inner().unwrap();
    rows.sort();
    // Past the capture of tests: it is to be seen when they pass.
    let mut out = std::io::stderr().lock();
    for (fault, rule, caught) in &rows {
        let _ = writeln!(out, "{fault:20} | {rule:60} | {}", if *caught { "caught" } else { "NOT CAUGHT" });
    }
    let passed: Vec<_> = rows.iter().filter(|(_, _, caught)| !caught).collect();
    assert!(passed.is_empty(), "faults were let pass: {passed:?}");
}
