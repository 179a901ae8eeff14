//! Snapshots beside the events that they shorten.

use aether_core::{ActorSnapshot, Commit, EventStore, Head, RecordedCommit, Saved, SnapshotSaved};
use futures_util::TryStreamExt;

use super::snapshot_store::{Snapshots, snapshot};
use crate::store::Fixture;
use crate::store::support::{OrFail, actor, numbers, series, v};

async fn save(store: &dyn EventStore, versions: std::ops::RangeInclusive<u64>) -> Saved {
    let events = series(&actor("order-1"), versions);
    store.save(&Commit::events(&events)).await.or_fail("saving events")
}

pub(crate) async fn remember_the_head(fixture: &dyn Fixture) {
    let store = Snapshots::open(fixture).await;
    let (order, events) = (actor("order-1"), store.events());
    save(&*events, 1..=3).await;
    let head = save(&*events, 4..=5).await.head;
    let sent = snapshot(&order, 5).with_head(head);
    store.save(&sent).await;
    save(&*events, 6..=6).await;
    save(&*events, 7..=9).await;
    let read = store.load(&order).await.or_fail("loading the snapshot");
    assert_eq!(read, sent, "it came back changed");
    // State is the snapshot plus what comes after its head.
    let tail: Vec<RecordedCommit> = events
        .get_commits(&order, read.head.unwrap_or_default())
        .try_collect()
        .await
        .or_fail("reading the tail");
    let tail: Vec<_> = tail.iter().flat_map(|commit| numbers(&commit.events)).collect();
    assert_eq!(tail, [6, 7, 8, 9]);
}

/// As after a loss of power, when the snapshot survived and the last events did not.
fn from_the_future(at: Head) -> ActorSnapshot {
    let ahead = Head::new(at.sequence() + 1_000_000_000, v(50));
    snapshot(&actor("order-1"), 50).with_head(ahead)
}

pub(crate) async fn ahead_of_the_log_are_ignored(fixture: &dyn Fixture) {
    let store = Snapshots::open(fixture).await;
    let (order, events) = (actor("order-1"), store.events());
    let head = save(&*events, 1..=3).await.head;
    store.save(&from_the_future(head)).await;
    assert_eq!(store.load(&order).await, None, "a snapshot of events that are not there was loaded");
    assert_eq!(events.get_head(&order).await.or_fail("getting the head"), head);
    save(&*events, 4..=4).await;
}

pub(crate) async fn ahead_of_the_log_give_way(fixture: &dyn Fixture) {
    let store = Snapshots::open(fixture).await;
    let (order, events) = (actor("order-1"), store.events());
    let head = save(&*events, 1..=3).await.head;
    store.save(&from_the_future(head)).await;
    // It counts as none, so it does not supersede a true one either.
    let sent = snapshot(&order, 3).with_head(head);
    assert_eq!(store.save(&sent).await, SnapshotSaved::Stored);
    assert_eq!(store.load(&order).await, Some(sent));
}
