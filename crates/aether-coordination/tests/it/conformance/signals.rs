//! Signals.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{CoordinationError, Heard, Key};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::conformance::place::Place;

async fn hear(heard: &mut Heard) -> Bytes {
    timeout(Duration::from_secs(10), heard.next()).await.unwrap().unwrap()
}

pub(crate) async fn a_listener_hears_at_once_what_is_sent(place: &Place) {
    let one = place.open().await;
    // Servers of a cluster tell each other of listeners, which takes a moment.
    let two = if place.is_cluster() { Arc::clone(&one) } else { place.open().await };
    for round in 0..50 {
        let topic = Key::root("now").child(&round.to_string());
        let mut heard = one.listen(&topic).await.unwrap();
        two.send(&topic, "1".into()).await.unwrap();
        assert_eq!(hear(&mut heard).await, "1");
    }
}

pub(crate) async fn a_listener_hears_everybody_in_order(place: &Place) {
    let (one, two) = (place.open().await, place.open().await);
    let topic = Key::root("beats");
    let (mut of_one, mut of_two) = (one.listen(&topic).await.unwrap(), two.listen(&topic).await.unwrap());
    for sender in [&one, &two] {
        let mut heard_by_both = async || {
            let both = async { (hear(&mut of_one).await, hear(&mut of_two).await) };
            timeout(Duration::from_millis(200), both)
                .await
                .is_ok_and(|(one, two)| one.is_empty() && two.is_empty())
        };
        while !heard_by_both().await {
            sender.send(&topic, Bytes::new()).await.unwrap();
        }
        for i in 0..100 {
            sender.send(&topic, i.to_string().into()).await.unwrap();
        }
        for heard in [&mut of_one, &mut of_two] {
            let mut next = hear(heard).await;
            while next.is_empty() {
                next = hear(heard).await;
            }
            for i in 0..100 {
                assert_eq!(next, i.to_string());
                if i < 99 {
                    next = hear(heard).await;
                }
            }
        }
    }
}

pub(crate) async fn topics_are_apart(place: &Place) {
    let one = place.open().await;
    let topic = Key::root("a");
    let mut heard = one.listen(&topic).await.unwrap();
    for other in [Key::root("b"), topic.child("b"), Key::root("A")] {
        one.send(&other, "no".into()).await.unwrap();
    }
    one.send(&topic, "yes".into()).await.unwrap();
    assert_eq!(hear(&mut heard).await, "yes");
}

pub(crate) async fn too_large_a_message_is_refused(place: &Place) {
    let one = place.open().await;
    let large = Bytes::from(vec![7; (1 << 20) + 1]);
    let refused = one.send(&Key::root("a"), large).await.unwrap_err();
    assert!(matches!(refused, CoordinationError::TooLarge { .. }), "{refused}");
}
