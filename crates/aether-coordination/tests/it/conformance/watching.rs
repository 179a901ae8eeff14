//! Watching keys.

use std::time::Duration;

use aether_coordination::{Change, Condition, Key};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::conformance::place::Place;

pub(crate) async fn a_watch_tells_of_puts_and_deletes_below_its_prefix(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let root = Key::root("watched");
    one.put(&root.child("before"), "x".into(), Condition::Absent).await.unwrap();
    let mut changes = two.watch(&root).await.unwrap();
    let (a, b) = (root.child("a"), root.child("b"));
    let first = one.put(&a, "1".into(), Condition::Absent).await.unwrap();
    one.put(&Key::root("watched2").child("a"), "x".into(), Condition::Absent).await.unwrap();
    let mut next = async || timeout(Duration::from_secs(10), changes.next()).await.unwrap().unwrap();
    let Change::Put(entry) = next().await else { panic!("not a put") };
    assert_eq!((entry.key, &entry.value[..], entry.revision), (a.clone(), &b"1"[..], first));
    one.delete(&a, first).await.unwrap();
    assert_eq!(next().await, Change::Deleted(a));
    one.put(&b, "2".into(), Condition::Absent).await.unwrap();
    assert_eq!(next().await.key(), &b);
}
