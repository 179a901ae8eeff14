//! Nodes find each other, agree, and are told apart.

use std::collections::BTreeSet;
use std::time::Duration;

use aether_cluster::{ClusterError, ClusterEvent, MemberState};
use futures_util::StreamExt;

use super::counter::{Count, Counter, Tickets};
use super::world::{SOON, World, settled, until};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_find_each_other_and_share_the_shards() {
    let world = World::new();
    let nodes = [world.node("a").await, world.node("b").await, world.node("c").await];
    let [a, b, c] = &nodes;
    settled(&[a, b, c]).await;
    let mut all = BTreeSet::new();
    for node in &nodes {
        let shards = node.shards();
        assert!(shards.len() >= 10 && shards.len() <= 27, "{}", node.status());
        all.extend(shards);
    }
    assert_eq!(all.len(), 64);
    let leaders: BTreeSet<_> = nodes.iter().map(|node| node.leader().unwrap()).collect();
    assert_eq!(leaders.len(), 1, "{leaders:?}");
    assert_eq!(nodes.iter().filter(|node| node.is_leader()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_is_reached_from_everywhere() {
    let world = World::new();
    let nodes = [world.node("a").await, world.node("b").await];
    settled(&[&nodes[0], &nodes[1]]).await;
    let client = world.client().await;
    for counter in 0..20 {
        let from = [
            nodes[0].actor::<Counter>(counter),
            nodes[1].actor::<Counter>(counter),
            client.actor::<Counter>(counter),
        ];
        for (ticket, counter) in (1..).zip(&from) {
            assert_eq!(counter.ask(Count { ticket }).await.unwrap(), usize::try_from(ticket).unwrap());
        }
        for counter in &from {
            let tickets = counter.query(Tickets).linearizable().await.unwrap();
            assert_eq!(tickets.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
            let refused = counter.ask(Count { ticket: 2 }).await.unwrap_err();
            assert_eq!(refused.refusal().map(|twice| twice.0), Some(2));
        }
    }
    // Each lives at one node.
    assert_eq!(nodes.iter().map(|node| node.status().actors).sum::<usize>(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_disagrees_is_refused() {
    let world = World::new();
    let _node = world.bare("a").await.start().await.unwrap();
    let refused = world.bare("b").await.shards(32).start().await.unwrap_err();
    assert!(matches!(refused, ClusterError::Shards { there: 64, here: 32 }), "{refused}");
    let too_soon = Duration::from_millis(100);
    let refused = world.bare("b").await.heartbeat(too_soon, too_soon * 3).start().await.unwrap_err();
    assert!(refused.to_string().contains("at least four heartbeats"), "{refused}");
    let refused = world.bare("b").await.actor::<Counter>().start().await.unwrap_err();
    assert!(refused.to_string().contains("actors need a store"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_the_same_name_takes_the_place_of_the_first() {
    let world = World::new();
    let first = world.node("a").await;
    settled(&[&first]).await;
    assert_eq!(first.actor::<Counter>(1).ask(Count { ticket: 1 }).await.unwrap(), 1);
    let second = world.node("a").await;
    let failed = tokio::time::timeout(SOON, first.closed()).await.unwrap().unwrap_err();
    assert!(failed.is_replaced(), "{failed}");
    settled(&[&second]).await;
    // Whoever still has the first one's handle asks the second.
    assert_eq!(first.actor::<Counter>(1).ask(Count { ticket: 2 }).await.unwrap(), 2);
    assert_eq!((first.status().actors, second.status().actors), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_of_other_namespaces_are_other_clusters() {
    let (one, other) = (World::new(), World::new());
    let (a, b) = (one.bare("a").await.start().await.unwrap(), other.bare("b").await.start().await.unwrap());
    settled(&[&a]).await;
    settled(&[&b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told() {
    let world = World::new();
    let a = world.bare("a").await.start().await.unwrap();
    let mut events = a.events();
    settled(&[&a]).await;
    let b = world.bare("b").await.start().await.unwrap();
    settled(&[&a, &b]).await;
    b.leave(SOON).await.unwrap();
    let (mut gained, mut lost, mut states) = (0, 0, Vec::new());
    let told = tokio::time::timeout(SOON, async {
        while let Some(event) = events.next().await {
            match event {
                ClusterEvent::Gained(_) => gained += 1,
                ClusterEvent::Lost(_) => lost += 1,
                ClusterEvent::Member { member, state } if member.id().as_str() == "b" => {
                    states.push(state);
                    if state == MemberState::Gone {
                        break;
                    }
                }
                _ => {}
            }
        }
    });
    told.await.unwrap();
    states.dedup();
    assert_eq!(states, [MemberState::Joining, MemberState::Up, MemberState::Leaving, MemberState::Gone]);
    assert!(lost > 16 && gained == 64 + lost, "{gained} gained, {lost} lost");
    until("alone again", || a.shards().len() == 64).await;
}
