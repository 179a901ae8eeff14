//! Nobody comes, nobody goes.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ledger::prove;
use super::load::{key, place};
use super::node::Node;
use super::order::Order;
use super::world::World;

const ORDERS: usize = 40;

/// What process managers and timers send goes to the node that acts for the actor, whichever node sends it; so nobody is in
/// anybody's way.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work_and_send_to_whoever_acts() {
    let world = World::new(Duration::from_secs(3)).await;
    let nodes =
        [Node::start(&world, "a").await, Node::start(&world, "b").await, Node::start(&world, "c").await];
    world.shared_by(&nodes.each_ref()).await;
    let client = world.client().await;
    let mut customers = tokio::task::JoinSet::new();
    for customer in 0..4 {
        let node = nodes.get(customer).map(|node| node.manager.clone());
        let client = client.clone();
        customers.spawn(async move {
            for number in 0..ORDERS {
                let key = key(customer, number);
                let order = match &node {
                    Some(node) => node.actor::<Order>(&key),
                    None => client.actor(&key),
                };
                order.ask(place(number)).await.unwrap();
            }
        });
    }
    customers.join_all().await;
    let orders: Vec<_> =
        (0..4).flat_map(|customer| (0..ORDERS).map(move |number| key(customer, number))).collect();
    prove(&world, &orders, &nodes[0]).await;

    // Each actor lives at one node, which alone has saved anything of it.
    let savers = world.witness.savers();
    for (actor, savers) in &savers {
        let owner = nodes[0].manager.owner_of(actor).unwrap().id.to_string();
        assert_eq!(*savers, BTreeSet::from([owner]), "{actor}");
    }
    let actors: usize = nodes.iter().map(|node| node.manager.status().actors).sum();
    assert_eq!(actors, savers.len());
    assert_eq!(world.witness.conflicts(), 0);
    // All have done their part of everything, for actors of others as well.
    let all: BTreeSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let mails = world.witness.mails();
    assert_eq!(mails.len(), orders.len(), "a mail was sent twice");
    assert_eq!(mails.into_iter().map(|(node, _)| node).collect::<BTreeSet<_>>(), all);
    assert_eq!(world.witness.appliers(), all);
    for (command, senders) in world.witness.senders() {
        assert_eq!(senders, all, "{command}");
    }
}
