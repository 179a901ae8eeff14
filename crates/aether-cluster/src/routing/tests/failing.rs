//! Nodes freeze, die, and believe that they are still the owner.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aether_actor::{ActorError, AskError};
use tokio::time::Instant;

use super::account::{AccountError, Balance, Deposit, Withdraw};
use super::world::{Load, World, soon};

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = soon();
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until each of so many callers has been answered again and again.
async fn all_go_on(world: &World, callers: usize) {
    let deadline = soon();
    for key in 0..callers {
        let before = world.balance(key).await;
        // A round adds two cents.
        while world.balance(key).await < before + 6 {
            assert!(Instant::now() < deadline, "{key} is not answered");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A zombie that is not told that it lost its shard acts beside its successor: the log sees to it that nothing happens
/// twice, and nobody is told what is not true.
#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_beside_its_successor_gives_no_false_answers() {
    let world = World::new();
    let (zombie, successor) = (world.node(0).await, world.node(0).await);
    let client = world.client(0).await;
    zombie.take().await;
    client.owner(Some(zombie.me));
    client.open(8).await;
    let load = Load::start(&client, 8);
    all_go_on(&world, 8).await;
    successor.take().await;
    // Some senders know of it, others do not, and then nobody knows anything.
    for owner in [Some(successor.me), Some(zombie.me), None, Some(successor.me), None] {
        client.owner(owner);
        all_go_on(&world, 8).await;
    }
    assert!(load.stop(&world).await > 50);
}

/// A node that does not hear itself leaves out what comes, and its successor answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_hear_itself_is_not_waited_for() {
    let world = World::new();
    let (frozen, successor, client) = (world.node(0).await, world.node(0).await, world.client(0).await);
    frozen.take().await;
    client.owner(Some(frozen.me));
    client.open(1).await;
    frozen.control().hears_itself_until(Instant::now());
    let account = client.account(0);
    let asked = tokio::spawn(async move { account.ask(Deposit { cents: 5 }).await });
    until("it is left out", || world.counts.deaf.load(Ordering::Relaxed) > 0).await;
    successor.take().await;
    client.owner(Some(successor.me));
    assert_eq!(asked.await.unwrap().unwrap(), 5);
    assert_eq!(world.balance(0).await, 5);
    assert!(world.counts.timed_out.load(Ordering::Relaxed) > 0);
}

/// The successor of a dead node takes over while commands wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_loses_nothing() {
    let world = World::new();
    let (owner, successor, client) = (world.node(0).await, world.node(0).await, world.client(0).await);
    owner.take().await;
    client.owner(Some(owner.me));
    client.open(8).await;
    let load = Load::start(&client, 8);
    all_go_on(&world, 8).await;
    let retried = world.counts.retried.load(Ordering::Relaxed);
    drop(owner);
    until("they try again", || world.counts.retried.load(Ordering::Relaxed) > retried + 8).await;
    successor.take().await;
    client.owner(Some(successor.me));
    all_go_on(&world, 8).await;
    assert!(load.stop(&world).await > 50);
}

/// An attempt that is under way when the deadline passes leaves the outcome open, truthfully. On a busy machine that happens;
/// asked again, a caller is told that nothing was begun.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_nothing_was_begun() {
    let world = World::new();
    let client = world.client(0).await;
    let (within, deadline) = (Duration::from_millis(300), soon());
    loop {
        match client.account(0).ask(Deposit { cents: 1 }).within(within).await.unwrap_err() {
            AskError::Failed(ActorError::Expired) => break,
            AskError::Failed(ActorError::TimedOut { .. }) => assert!(Instant::now() < deadline),
            failed => panic!("{failed:?}"),
        }
    }
    loop {
        match client.account(0).query(Balance).within(within).await.unwrap_err() {
            ActorError::Expired => break,
            ActorError::TimedOut { .. } => assert!(Instant::now() < deadline),
            failed => panic!("{failed:?}"),
        }
    }
}

/// What is kept while a shard moves is answered when its new owner acts.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_a_node_acts_is_kept() {
    let world = World::new();
    let (node, client) = (world.node(0).await, world.client(0).await);
    let control = node.control();
    control.prepare(super::world::SHARD).await.unwrap();
    control.listen(super::world::SHARD, soon()).await.unwrap();
    client.owner(Some(node.me));
    let account = client.account(0);
    let asked = tokio::spawn(async move { account.ask(Withdraw { cents: 1 }).await });
    until("it has come", || control.load(super::world::SHARD).1 > 0).await;
    control.act(super::world::SHARD).await.unwrap();
    let refused = asked.await.unwrap().unwrap_err();
    assert_eq!(refused, AskError::Refused(AccountError::Overdrawn { by: 1 }));
    assert_eq!(world.counts.retried.load(Ordering::Relaxed), 0);
}
