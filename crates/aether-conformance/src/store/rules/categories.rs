//! The actors of a category, page by page.

use aether_core::{ActorId, Commit, Head};

use crate::store::Fixture;
use crate::store::support::{Fresh, Store, actor, event};

async fn save_first_of(store: &Store, ids: &[&str]) -> Vec<ActorId> {
    let mut actors: Vec<ActorId> = ids.iter().map(actor).collect();
    for actor in &actors {
        store.save_event(&event(actor, 1)).await;
    }
    actors.sort_by_key(ActorId::subject);
    actors
}

pub(crate) async fn list_their_actors_in_order(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    assert!(store.actors("order").await.is_empty(), "a category without actors has actors");
    let actors =
        save_first_of(&store, &["order-10", "order-9", "order-é", "order-a.b", "order-a b", "order-Z"]).await;
    store.save_each(&actors[0], [2, 3]).await;
    assert_eq!(store.actors("order").await, actors, "once each, ordered by their subjects");
}

pub(crate) async fn are_paged(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let ids: Vec<String> = (0..25).map(|n| format!("order-{n}")).collect();
    let actors = save_first_of(&store, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for limit in [1, 4, 25, 26] {
        let mut read: Vec<ActorId> = Vec::new();
        loop {
            let page = store.actors_after("order", read.last(), limit).await;
            assert!(page.len() <= limit, "more than the limit of {limit}");
            if page.is_empty() {
                break;
            }
            read.extend(page);
            assert!(read.len() <= actors.len(), "pages of {limit} repeat actors");
        }
        assert_eq!(read, actors, "in pages of {limit}");
    }
    assert!(store.actors_after("order", None, 0).await.is_empty(), "a limit of none");
}

pub(crate) async fn go_on_after_an_actor_that_is_not_there(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let actors = save_first_of(&store, &["order-a", "order-c", "order-e"]).await;
    assert_eq!(store.actors_after("order", Some(&actor("order-b")), 9).await, actors[1..]);
    assert_eq!(store.actors_after("order", Some(&actor("order-d")), 9).await, actors[2..]);
    assert!(store.actors_after("order", Some(&actor("order-f")), 9).await.is_empty());
}

pub(crate) async fn are_apart(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let ids = [
        "order-1",
        "order-2-3",
        "order",
        "order-",
        "-order",
        "-",
        "orders-1",
        "order.x-1",
        "order*-1",
        "*-1",
        ">-1",
        "Order-1",
        "a.b-1",
        "a b-1",
        "a_b-1",
        "%-1",
        "ö-1",
    ];
    save_first_of(&store, &ids).await;
    for category in
        ["order", "", "orders", "order.x", "order*", "*", ">", "Order", "a.b", "a b", "a_b", "%", "ö", "x"]
    {
        let mut expected: Vec<ActorId> =
            ids.iter().map(actor).filter(|actor| actor.category() == category).collect();
        expected.sort_by_key(ActorId::subject);
        assert_eq!(store.actors(category).await, expected, "the actors of category {category:?}");
    }
}

pub(crate) async fn list_actors_without_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save(&Commit::note_only(&order, Head::NONE, b"refused")).await;
    assert_eq!(store.actors("order").await, [order], "it has a commit");
}
