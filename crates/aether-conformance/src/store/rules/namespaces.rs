//! Namespaces: each a storage of its own, whatever their names have in common.

use aether_core::{Head, Namespace, sanitise};

use crate::store::Fixture;
use crate::store::support::{Fresh, Store, actor, event, series};

/// Asserts that two stores hold the events of the same actor apart.
async fn assert_apart(a: &Store, b: &Store, names: &str) {
    let order = actor("order-1");
    a.save_each(&order, [1, 2, 3]).await;
    assert_eq!(b.head(&order).await, Head::NONE, "{names}: a save in one moved the head in the other");
    assert!(b.events(&order).await.is_empty(), "{names}: events of one are read in the other");
    assert!(b.all().await.is_empty(), "{names}: events of one are read in the other");
    assert!(b.actors("order").await.is_empty(), "{names}: an actor of one is listed in the other");
    b.save_event(&event(&order, 1)).await;
    b.save_events(&series(&actor("order-2"), [1, 2])).await;
    assert_eq!(a.versions(&order).await, [1, 2, 3], "{names}");
    assert_eq!(b.versions(&order).await, [1], "{names}");
    assert_eq!((a.all().await.len(), b.all().await.len()), (3, 3), "{names}");
    assert_eq!(a.actors("order").await.len(), 1, "{names}");
}

pub(crate) async fn are_apart(fixture: &dyn Fixture) {
    let storage = Fresh::open(fixture).await;
    let a = storage.namespaced("tenant-a", "events").await;
    let b = storage.namespaced("tenant-b", "events").await;
    assert_apart(&a, &b, "two namespaces").await;
}

pub(crate) async fn have_streams_that_are_apart(fixture: &dyn Fixture) {
    let storage = Fresh::open(fixture).await;
    let a = storage.namespaced("tenant", "events").await;
    let b = storage.namespaced("tenant", "audit").await;
    assert_apart(&a, &b, "two streams of a namespace").await;
}

pub(crate) async fn of_one_name_are_one(fixture: &dyn Fixture) {
    let storage = Fresh::open(fixture).await;
    let order = actor("order-1");
    for name in ["tenant-a", "tenant a", "tenant.b", "*", "tenant/>"] {
        // One that collides with another may be refused, but then always.
        let Ok(first) = storage.try_namespaced(name, "events").await else { continue };
        let (a, b) = (storage.events_of(Ok(first)), storage.namespaced(name, "events").await);
        a.save_event(&event(&order, 1)).await;
        assert_eq!(b.versions(&order).await, [1], "namespace {name:?} opened twice is two");
    }
    storage.namespaced("tenant-a", "events").await.save_event(&event(&order, 2)).await;
}

/// The second of two namespaces whose names may look the same to a store is refused, in words that name
/// both, or it is apart from the first.
async fn collide(fixture: &dyn Fixture, one: (&str, &str), other: (&str, &str)) {
    let storage = Fresh::open(fixture).await;
    let names = format!("{one:?} and {other:?}");
    let first = storage.namespaced(one.0, one.1).await;
    match storage.try_namespaced(other.0, other.1).await {
        Ok(second) => assert_apart(&first, &storage.events_of(Ok(second)), &names).await,
        Err(error) => {
            let words = error.to_string();
            let named = |name: &str| words.contains(name) || words.contains(&name.escape_debug().to_string());
            let both = named(one.0) && named(other.0);
            assert!(both, "{names}: the second was refused in words that do not name both: {words}");
            let order = actor("order-1");
            first.save_event(&event(&order, 1)).await;
            assert_eq!(first.versions(&order).await, [1], "{names}: the first is of use after it");
        }
    }
}

pub(crate) async fn of_colliding_names_are_apart(fixture: &dyn Fixture) {
    for other in ["a b", "a_b", "a/b", "a*b", "a>b", "a\\b"] {
        let same = |name| Namespace::new(name).map(|namespace| namespace.sanitised()).ok();
        assert_eq!(same("a.b"), same(other), "these are to collide");
        collide(fixture, ("a.b", "events"), (other, "events")).await;
    }
}

pub(crate) async fn and_streams_of_colliding_names_are_apart(fixture: &dyn Fixture) {
    assert_eq!(sanitise("a_b") + "_" + "c", sanitise("a") + "_" + "b_c", "these are to collide");
    collide(fixture, ("a_b", "c"), ("a", "b_c")).await;
    collide(fixture, ("a", "b_c"), ("a_b", "c")).await;
}
