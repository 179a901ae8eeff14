//! Events that cannot be applied, values that are too large, and members that come too late.

use std::sync::Arc;

use aether_coordination::MemoryCoordination;
use aether_core::RecordedEvent;
use aether_group::{Batch, Epoch, FailureKind, HandleError, Partition};

use super::{Added, Fault, Sums, added, event};
use crate::{KvModel, MemoryModel};

fn batch(epoch: u64, events: &[RecordedEvent]) -> Batch {
    Batch::new("sums", Partition::new(0), Epoch::new(epoch), events.to_vec())
}

fn poison(error: &HandleError) -> Option<usize> {
    (error.kind == FailureKind::Poison).then_some(error.at)
}

/// Good events around a bad one that changes two views, of which the second fails.
fn around(fault: Fault) -> Vec<RecordedEvent> {
    let bad = Added { fault: Some(fault), ..added(&["a", "b"], 1_000) };
    vec![
        event(1, "x-1", 1, &added(&["a"], 1)),
        event(2, "x-2", 1, &added(&["a", "b"], 10)),
        event(3, "x-3", 1, &bad),
        event(4, "x-1", 2, &added(&["a"], 100)),
    ]
}

#[test]
fn in_memory_no_view_has_seen_an_event_that_fails() {
    for fault in [Fault::Error, Fault::Panic] {
        let (model, events) = (MemoryModel::new(Sums), around(fault));
        let error = model.apply(&batch(1, &events)).unwrap_err();
        assert_eq!(poison(&error), Some(2), "{error:?}");
        assert_eq!((model.view("a").sum, model.view("b").sum), (11, 10));
        model.apply(&batch(1, &events[3..])).unwrap();
        assert_eq!((model.view("a").sum, model.view("b").sum), (111, 10));
    }
}

#[tokio::test]
async fn in_keys_no_view_has_seen_an_event_that_fails() {
    for fault in [Fault::Error, Fault::Panic] {
        let (model, events) = (KvModel::new(Sums, Arc::new(MemoryCoordination::new())), around(fault));
        let error = model.apply(&batch(1, &events)).await.unwrap_err();
        assert_eq!(poison(&error), Some(2), "{error:?}");
        let sum = async |key: &str| model.get(key).await.unwrap().unwrap().sum;
        assert_eq!((sum("a").await, sum("b").await), (11, 10));
        model.apply(&batch(1, &events[3..])).await.unwrap();
        assert_eq!((sum("a").await, sum("b").await), (111, 10));
    }
}

#[tokio::test]
async fn too_large_a_view_is_the_fault_of_the_event_that_makes_it_so() {
    let model = KvModel::new(Sums, Arc::new(MemoryCoordination::new())).max_value(200);
    // Each actor takes some twenty bytes of the view.
    let events: Vec<_> = (1..20).map(|n| event(n, &format!("actor-{n}"), 1, &added(&["a"], 1))).collect();
    let error = model.apply(&batch(1, &events)).await.unwrap_err();
    let at = poison(&error).unwrap_or_else(|| panic!("{error:?}"));
    assert!(error.source.to_string().contains("the limit is 200"), "{error:?}");
    assert!(at > 0 && model.get("a").await.unwrap().unwrap().sum == at as u64);
    let again = model.apply(&batch(1, &events[at..=at])).await.unwrap_err();
    assert_eq!(poison(&again), Some(0));
    assert_eq!(model.get("a").await.unwrap().unwrap().sum, at as u64);
}

#[tokio::test]
async fn a_value_that_the_servers_do_not_take_parks_nobody() {
    let model = KvModel::new(Sums, Arc::new(MemoryCoordination::with_limit(50)));
    let error = model.apply(&batch(1, &[event(1, "x-1", 1, &added(&["a"], 1))])).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unavailable);
    assert!(error.source.to_string().contains("too large"), "{error:?}");
}

#[tokio::test]
async fn a_member_that_has_lost_its_partition_changes_nothing() {
    let coordination = Arc::new(MemoryCoordination::new());
    let (old, new) = (KvModel::new(Sums, coordination.clone()), KvModel::new(Sums, coordination));
    let late = event(1, "x-1", 1, &added(&["a"], 1));
    let others = [event(2, "x-2", 1, &added(&["a"], 10)), event(3, "x-1", 2, &added(&["a"], 100))];
    let resumed = |epoch| {
        let mut batch = batch(epoch, std::slice::from_ref(&late));
        batch.resumed = true;
        batch
    };
    old.apply(&batch(1, &others[..1])).await.unwrap();
    // The successor resumes the actor, and forgets that it had been late.
    new.apply(&resumed(2)).await.unwrap();
    new.apply(&batch(2, &others[1..])).await.unwrap();
    for _ in 0..2 {
        let error = old.apply(&resumed(1)).await.unwrap_err();
        assert_eq!(error.kind, FailureKind::Unavailable);
    }
    assert_eq!(new.get("a").await.unwrap().unwrap().sum, 111);
}

#[tokio::test]
async fn a_version_whose_time_is_over_changes_nothing() {
    use aether_coordination::{Condition, KeyValue};
    let coordination = Arc::new(MemoryCoordination::new());
    let current = crate::kv::current_of("sums");
    coordination.put(&current, "2".into(), Condition::Absent).await.unwrap();
    let model = KvModel::new(Sums, coordination);
    let error = model.apply(&batch(1, &[event(1, "x-1", 1, &added(&["a"], 1))])).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Unavailable);
    assert!(error.source.to_string().contains("version 2"), "{error:?}");
    assert!(model.views().await.unwrap().is_empty());
}
