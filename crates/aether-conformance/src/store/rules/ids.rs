//! Actor ids: any characters, none of which acts, and never taken for another's.

use aether_core::{ActorId, InvalidActorId};

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, json, payload_event};

/// Saves events that say whose they are, all actors by turns, and reads each actor alone.
async fn are_told_apart(fixture: &dyn Fixture, ids: &[String]) {
    let store = Fresh::open(fixture).await;
    for version in [1, 2] {
        for (number, id) in ids.iter().enumerate() {
            let data = json(format!("[{number},{version}]"));
            store.save_event(&payload_event(&actor(id), version, data)).await;
        }
    }
    for (number, id) in ids.iter().enumerate() {
        let actor = actor(id);
        let read = store.events(&actor).await;
        assert!(
            read.iter().all(|event| *event.actor() == actor),
            "an event of {id:?} came back as another's"
        );
        let data: Vec<_> = read.iter().filter_map(|event| event.payload().bytes().cloned()).collect();
        assert_eq!(data, [format!("[{number},1]"), format!("[{number},2]")], "the events of {id:?}");
        assert_eq!(store.version(&actor).await, 2, "the version of {id:?}");
        assert_eq!(store.commits(&actor).await.len(), 2, "the commits of {id:?}");
    }
    assert_eq!(store.all().await.len(), 2 * ids.len());
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

pub(crate) async fn with_odd_characters_are_apart(fixture: &dyn Fixture) {
    let ids = [
        "order-a b",
        "order-a.b",
        "order-a_b",
        "order-a/b",
        "order-a\\b",
        "order-a%b",
        "order-a%20b",
        "order-a%2Eb",
        "order-ab",
        "order-a\tb",
        "order-a\nb",
        "order-a\0b",
        "order-a:b",
        "order-a~b",
        "order-~",
        "order-~~",
        "a b-1",
        "a.b-1",
        "order-A",
        "Order-A",
        "order-\"quoted\"",
        "order-{}",
        "order-$",
        "$JS-API",
        "_INBOX-1",
        "order- ",
        " order-1",
        "order-1 ",
        "=barrier-1",
        "order-=",
    ];
    are_told_apart(fixture, &owned(&ids)).await;
}

pub(crate) async fn in_unicode_are_apart(fixture: &dyn Fixture) {
    // The last two look the same and are not: one letter, and a letter with a combining mark.
    let ids = [
        "订单-一",
        "заказ-1",
        "order-🦀",
        "order-ß",
        "order-ss",
        "order-\u{200b}",
        "order-\u{e9}",
        "order-e\u{301}",
    ];
    are_told_apart(fixture, &owned(&ids)).await;
}

pub(crate) async fn with_wildcards_are_literal(fixture: &dyn Fixture) {
    let ids = [
        "order-1",
        "order-*",
        "order->",
        "*-1",
        ">-1",
        "*",
        ">",
        "*-*",
        "order-1.>",
        "order-*.x",
        "order-1*",
    ];
    are_told_apart(fixture, &owned(&ids)).await;
}

pub(crate) async fn of_the_dash_forms_are_apart(fixture: &dyn Fixture) {
    are_told_apart(
        fixture,
        &owned(&["order", "order-", "-order", "-", "--", "order--", "-order-", "order-1-2"]),
    )
    .await;
}

pub(crate) async fn go_up_to_the_length_limit(fixture: &dyn Fixture) {
    let room = ActorId::MAX_ENCODED - "order.".len();
    let plain = "x".repeat(room - 1);
    // Every byte of these takes three when encoded.
    let encoded = ".".repeat(room / 3 - 1);
    let ids = [
        format!("order-{plain}a"),
        format!("order-{plain}b"),
        format!("order-{plain}"),
        format!("order-{encoded}."),
        format!("order-{encoded} "),
    ];
    for over in [format!("order-{plain}ab"), format!("order-{}", ".".repeat(room / 3 + 1))] {
        assert!(matches!(ActorId::new(over), Err(InvalidActorId::TooLong { .. })), "an id over the limit");
    }
    are_told_apart(fixture, &ids).await;
}
