//! Keys, one after the other.

use aether_coordination::{Condition, CoordinationError, Key, Revision};
use bytes::Bytes;

use crate::conformance::place::Place;

fn key() -> Key {
    Key::root("a").child("b c.d")
}

/// The conflict that a write of the key met: where the key is.
pub(crate) fn current<T: std::fmt::Debug>(
    refused: Result<T, CoordinationError>,
    key: &Key,
) -> Option<Revision> {
    match refused.unwrap_err() {
        CoordinationError::Conflict { key: found, current } if found == *key => current,
        other => panic!("no conflict of {key}: {other}"),
    }
}

pub(crate) async fn a_key_is_written_by_compare_and_set(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let key = key();
    assert_eq!(one.get(&key).await.unwrap(), None);
    let first = one.put(&key, "1".into(), Condition::Absent).await.unwrap();
    assert_eq!(current(two.put(&key, "x".into(), Condition::Absent).await, &key), Some(first));
    let second = two.put(&key, "2".into(), Condition::At(first)).await.unwrap();
    assert!(second > first);
    assert_eq!(current(one.put(&key, "x".into(), Condition::At(first)).await, &key), Some(second));
    let found = one.get(&key).await.unwrap().unwrap();
    assert_eq!((found.key, &found.value[..], found.revision), (key, &b"2"[..], second));
}

pub(crate) async fn a_deleted_key_is_absent(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let key = key();
    let first = one.put(&key, "1".into(), Condition::Absent).await.unwrap();
    two.delete(&key, first).await.unwrap();
    assert_eq!(one.get(&key).await.unwrap(), None);
    assert_eq!(one.entries(&Key::root("a")).await.unwrap(), []);
    assert_eq!(current(one.put(&key, "x".into(), Condition::At(first)).await, &key), None);
    assert_eq!(current(one.delete(&key, first).await, &key), None);
    let second = one.put(&key, "2".into(), Condition::Absent).await.unwrap();
    assert!(second > first);
    assert_eq!(two.get(&key).await.unwrap().unwrap().revision, second);
    assert_eq!(current(two.put(&key, "x".into(), Condition::Absent).await, &key), Some(second));
}

pub(crate) async fn a_delete_of_another_revision_is_refused(place: &Place) {
    let one = place.open().await;
    let key = key();
    let first = one.put(&key, "1".into(), Condition::Absent).await.unwrap();
    let second = one.put(&key, "2".into(), Condition::At(first)).await.unwrap();
    assert_eq!(current(one.delete(&key, first).await, &key), Some(second));
    assert_eq!(one.get(&key).await.unwrap().unwrap().value, "2");
    one.delete(&key, second).await.unwrap();
}

pub(crate) async fn a_revision_that_never_was_is_a_conflict(place: &Place) {
    let one = place.open().await;
    let (key, other) = (key(), Key::root("other"));
    let revision = one.put(&other, "1".into(), Condition::Absent).await.unwrap();
    assert_eq!(current(one.put(&key, "x".into(), Condition::At(revision)).await, &key), None);
    assert_eq!(current(one.delete(&key, revision).await, &key), None);
}

pub(crate) async fn revisions_grow_over_deletes(place: &Place) {
    let one = place.open().await;
    let (key, other) = (key(), Key::root("other"));
    let mut last = one.put(&other, "1".into(), Condition::Absent).await.unwrap();
    for _ in 0..5 {
        let revision = one.put(&key, "1".into(), Condition::Absent).await.unwrap();
        assert!(revision > last);
        one.delete(&key, revision).await.unwrap();
        last = revision;
    }
}

pub(crate) async fn values_come_back_as_they_were(place: &Place) {
    let one = place.open().await;
    for (i, value) in [&b""[..], b"\0\xff\r\n", &[7; 100_000]].into_iter().enumerate() {
        let key = key().child(&i.to_string());
        one.put(&key, Bytes::from_static(b"before"), Condition::Absent).await.unwrap();
        let before = one.get(&key).await.unwrap().unwrap().revision;
        one.put(&key, Bytes::copy_from_slice(value), Condition::At(before)).await.unwrap();
        assert_eq!(one.get(&key).await.unwrap().unwrap().value, value);
    }
}

pub(crate) async fn entries_are_those_below_the_prefix(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let root = Key::root("group");
    let mut wanted = Vec::new();
    for name in ["1", "10", "2", "=", "*", "a b"] {
        let below = root.child(name);
        let revision = one.put(&below, name.to_owned().into(), Condition::Absent).await.unwrap();
        wanted.push((below.clone(), name.to_owned(), revision));
        let deeper = below.child("x");
        let revision = one.put(&deeper, "deep".into(), Condition::Absent).await.unwrap();
        wanted.push((deeper, "deep".to_owned(), revision));
    }
    for outside in [root.clone(), Key::root("group2").child("1"), Key::root("grou").child("p")] {
        one.put(&outside, "x".into(), Condition::Absent).await.unwrap();
    }
    let gone = root.child("gone");
    let revision = one.put(&gone, "x".into(), Condition::Absent).await.unwrap();
    one.delete(&gone, revision).await.unwrap();
    wanted.sort();
    let found = two.entries(&root).await.unwrap().into_iter();
    let found: Vec<_> = found
        .map(|entry| (entry.key, String::from_utf8(entry.value.to_vec()).unwrap(), entry.revision))
        .collect();
    assert_eq!(found, wanted);
    assert_eq!(two.entries(&Key::root("nothing")).await.unwrap(), []);
    // What was acknowledged just now is there, through whatever handle.
    for i in 0..50 {
        let key = Key::root("fresh").child(&i.to_string());
        one.put(&key, "x".into(), Condition::Absent).await.unwrap();
        assert_eq!(two.entries(&Key::root("fresh")).await.unwrap().len(), i + 1);
        assert!(two.get(&key).await.unwrap().is_some());
    }
}

pub(crate) async fn too_large_a_value_is_refused(place: &Place) {
    let one = place.open().await;
    let large = Bytes::from(vec![7; (1 << 20) + 1]);
    let refused = one.put(&key(), large, Condition::Absent).await.unwrap_err();
    let CoordinationError::TooLarge { size, limit } = refused else { panic!("{refused}") };
    assert!(size > limit, "{size} {limit}");
    assert_eq!(one.get(&key()).await.unwrap(), None);
}
