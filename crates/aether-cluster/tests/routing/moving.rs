//! Shards move from node to node.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aether_actor::AskError;
use aether_cluster::routing::wire::Peer;
use aether_nats_server::shared_r3;

use crate::account::{AccountError, Balance, Deposit, Withdraw};
use crate::load::Load;
use crate::world::{SHARD, TestClient, TestNode, World, soon};

const INTEREST: Duration = Duration::from_millis(20);

/// Moves the shard as a cluster does.
async fn hand_over(from: &TestNode, to: &TestNode, client: &TestClient, since: u64) {
    let (old, new) = (from.control(), to.control());
    new.prepare(SHARD).await.unwrap();
    new.listen(SHARD, soon()).await.unwrap();
    tokio::time::sleep(INTEREST).await;
    new.tell(from.me, &Peer::Ready { shard: SHARD, since, from: to.me }).await.unwrap();
    assert!(matches!(old.peer().await, Some(Peer::Ready { from, .. }) if from == to.me));
    old.hold(SHARD, to.me).await.unwrap();
    old.drain(SHARD).await.unwrap();
    from.system.evict(&|_| true);
    old.forward_to(SHARD, to.me, since).await.unwrap();
    old.tell(to.me, &Peer::Release { shard: SHARD, since, from: from.me }).await.unwrap();
    assert!(matches!(new.peer().await, Some(Peer::Release { from: who, .. }) if who == from.me));
    new.act(SHARD).await.unwrap();
    client.owner(Some(to.me));
    // What was sent before the client knew of it is still sent on.
    tokio::time::sleep(Duration::from_millis(50)).await;
    old.unlisten(SHARD, soon()).await.unwrap();
    old.close(SHARD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_queries_get_to_the_owner() {
    let world = World::new();
    let (node, other, client) = (world.node(0).await, world.node(0).await, world.client(0).await);
    node.take().await;
    client.owner(Some(node.me));
    other.control().set_owners(vec![Some(node.me)]);
    client.open(1).await;
    assert_eq!(client.account(0).ask(Deposit { cents: 5 }).await.unwrap(), 5);
    assert_eq!(client.account(0).query(Balance).await.unwrap(), 5);
    assert_eq!(client.account(0).query(Balance).linearizable().await.unwrap(), 5);
    // From the owner itself, and from another node.
    let here = node.system.actor::<crate::account::Account>(0);
    assert_eq!(here.ask(Deposit { cents: 1 }).await.unwrap(), 6);
    let there = other.system.actor::<crate::account::Account>(0);
    assert_eq!(there.ask(Deposit { cents: 1 }).await.unwrap(), 7);
    assert_eq!(there.query(Balance).await.unwrap(), 7);
    let refused = client.account(0).ask(Withdraw { cents: 8 }).await.unwrap_err();
    assert_eq!(refused, AskError::Refused(AccountError::Overdrawn { by: 1 }));
    assert_eq!(world.counts.retried.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_no_owner_is_answered_too() {
    let world = World::new();
    let (node, client) = (world.node(0).await, world.client(0).await);
    node.take().await;
    client.open(1).await;
    let refused = client.account(0).ask(Withdraw { cents: 8 }).await.unwrap_err();
    assert_eq!(refused, AskError::Refused(AccountError::Overdrawn { by: 8 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_table_costs_an_attempt() {
    let world = World::new();
    let (node, other, client) = (world.node(0).await, world.node(0).await, world.client(0).await);
    node.take().await;
    client.owner(Some(other.me));
    client.open(1).await;
    let refused = client.account(0).ask(Withdraw { cents: 8 }).await.unwrap_err();
    assert_eq!(refused, AskError::Refused(AccountError::Overdrawn { by: 8 }));
    assert_eq!(world.counts.timed_out.load(Ordering::Relaxed), 0);
}

async fn moves_under_load(world: World) {
    let nodes = [world.node(0).await, world.node(1).await, world.node(2).await];
    let client = world.client(1).await;
    nodes[0].take().await;
    client.owner(Some(nodes[0].me));
    client.open(16).await;
    let load = Load::start(&client, 16);
    for turn in 0..9 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        hand_over(&nodes[turn % 3], &nodes[(turn + 1) % 3], &client, turn as u64).await;
    }
    let commands = load.stop(&world).await;
    assert!(commands > 100, "{commands} commands");
    assert_eq!(world.counts.timed_out.load(Ordering::Relaxed), 0, "attempts timed out");
    assert!(world.counts.forwarded.load(Ordering::Relaxed) > 0, "nothing was kept for a successor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_moves_loses_and_doubles_nothing() {
    moves_under_load(World::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_moves_between_servers_loses_and_doubles_nothing() {
    moves_under_load(World::on(shared_r3().unwrap())).await;
}
