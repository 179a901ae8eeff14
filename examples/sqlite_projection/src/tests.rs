//! The process is killed between any two steps, again and again, and the totals come out right.

use std::collections::BTreeMap;
use std::env;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aether::coordination::MemoryCoordination;
use aether::projection::{Batch, Epoch, Partition, Projector, Target};
use aether::{ActorId, Event, EventStoreExt, RecordedEvent, Version};
use futures_util::TryStreamExt;

use crate::orders::{self, Placed};
use crate::totals::{Total, Totals};

const ORDERS: u32 = 200;
/// The file of the totals, for a process that is to run them.
const FILE: &str = "SQLITE_PROJECTION_FILE";
/// At which step it is to abort.
const ABORT: &str = "SQLITE_PROJECTION_ABORT";

fn expected() -> Vec<Total> {
    let mut totals = BTreeMap::<String, (u32, u32)>::new();
    for Placed { customer, cents } in (0..ORDERS).map(orders::placed) {
        let total = totals.entry(customer).or_default();
        *total = (total.0 + 1, total.1 + cents);
    }
    totals.into_iter().map(|(customer, (orders, cents))| Total { customer, orders, cents }).collect()
}

/// Aborts at the third time that it comes to the step of the environment.
fn abort_at(step: &'static str) {
    static TIMES: AtomicU32 = AtomicU32::new(0);
    if env::var(ABORT).is_ok_and(|abort| abort == step) && TIMES.fetch_add(1, Ordering::SeqCst) == 2 {
        std::process::abort();
    }
}

/// What the killed processes run: in a process of its own it does the work, among the other tests nothing.
#[tokio::test]
async fn child() {
    let Ok(file) = env::var(FILE) else { return };
    let totals = Totals::open(&file).unwrap().stepping(abort_at);
    let (store, last) = orders::store(ORDERS).await.unwrap();
    let projector = Projector::builder(Arc::new(store), Arc::new(MemoryCoordination::new()), totals);
    let projector = projector.max_batch(8).run().await.unwrap();
    projector.wait_for(last, Duration::from_secs(60)).await.unwrap();
    projector.stop().await.unwrap();
}

fn run_child(file: &str, abort: &str) -> ExitStatus {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "tests::child"]).env(FILE, file).env(ABORT, abort);
    child.output().unwrap().status
}

#[test]
fn killed_at_any_step_it_goes_on_exactly() {
    for step in ["begun", "applied", "checkpointed", "committed"] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("totals.db").display().to_string();
        let mut kills = 0;
        while !run_child(&file, step).success() {
            kills += 1;
            assert!(kills < 100, "it does not get any further, killed when {step}");
        }
        assert!(kills > 5, "killed {kills} times only when {step}");
        assert_eq!(
            Totals::open(&file).unwrap().all().unwrap(),
            expected(),
            "killed {kills} times when {step}"
        );
    }
}

async fn events() -> Vec<RecordedEvent> {
    let (store, _) = orders::store(ORDERS).await.unwrap();
    let bad = Event::new(&ActorId::new("order-bad").unwrap(), Version::new(1), "OrderPlaced", &7).unwrap();
    store.save_event(&bad).await.unwrap();
    aether::EventStore::get_all(&store, aether::ReadFrom::Start, usize::MAX).try_collect().await.unwrap()
}

fn batch(epoch: u64, events: &[RecordedEvent]) -> Batch {
    Batch::new("totals", Partition::new(0), Epoch::new(epoch), events.to_vec())
}

#[tokio::test]
async fn what_comes_again_changes_nothing_and_what_comes_late_is_not_lost() {
    let totals = Totals::open(":memory:").unwrap();
    let events = events().await;
    let orders = &events[..ORDERS as usize];
    // The first order is late: its actor had been parked.
    totals.apply(&batch(1, &orders[1..150])).await.unwrap();
    totals.apply(&batch(1, &orders[100..])).await.unwrap();
    for _ in 0..2 {
        let mut late = batch(1, &orders[..1]);
        late.resumed = true;
        totals.apply(&late).await.unwrap();
    }
    totals.apply(&batch(1, orders)).await.unwrap();
    assert_eq!(totals.all().unwrap(), expected());
}

#[tokio::test]
async fn an_event_that_is_no_order_leaves_what_was_before_it() {
    let totals = Totals::open(":memory:").unwrap();
    let error = totals.apply(&batch(1, &events().await)).await.unwrap_err();
    assert_eq!(error.at, ORDERS as usize);
    assert_eq!(totals.all().unwrap(), expected());
}

#[tokio::test]
async fn a_process_that_has_lost_the_partition_changes_nothing() {
    let totals = Totals::open(":memory:").unwrap();
    let events = events().await;
    totals.apply(&batch(2, &events[..1])).await.unwrap();
    assert!(totals.apply(&batch(1, &events[1..2])).await.is_err());
    totals.apply(&batch(2, &events[1..ORDERS as usize])).await.unwrap();
    assert_eq!(totals.all().unwrap(), expected());
}
