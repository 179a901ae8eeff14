//! Actors leave memory when they are elsewhere.

use aether_actor::{ActorOptions, SnapshotPolicy};
use aether_core::{SnapshotStore, Version};
use aether_store_memory::MemoryEventStore;

use super::gate::{Bolt, Gate, Pass, Passed};
use super::joined::{Net, WITHIN, account, until};
use crate::account::{Account, Balance, Deposit, Open};

#[tokio::test]
async fn idle_actors_leave_at_once() {
    let (_net, systems, _) = Net::two().await;
    for name in ["ada", "bob", "eve"] {
        systems[0].actor::<Account>(name).ask(Open { owner: name.into() }).await.unwrap();
    }
    assert_eq!(systems[0].evict(&|actor| actor != &account("bob")), 2);
    assert_eq!(systems[0].live(), 1);
    assert_eq!(systems[0].evict(&|actor| actor != &account("bob")), 0);
    // They come back when they are asked.
    assert_eq!(systems[0].actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap(), 1);
    assert_eq!(systems[0].live(), 2);
}

#[tokio::test]
async fn their_snapshots_are_saved() {
    let store = MemoryEventStore::new();
    let options = ActorOptions::default().snapshots(SnapshotPolicy::NEVER.or_at_passivation(2));
    let (_net, systems) = Net::join(&store, options, |builder| builder).await;
    for name in ["ada", "bob"] {
        systems[0].actor::<Account>(name).ask(Open { owner: name.into() }).await.unwrap();
    }
    systems[0].actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap();
    assert_eq!(systems[0].evict(&|_| true), 2);
    assert_eq!(systems[0].live(), 0);
    systems[0].clone().shutdown(WITHIN).await;
    let ada = store.load_snapshot(&account("ada")).await.unwrap().unwrap();
    assert_eq!(ada.version, Version::new(2));
    // It has too few events for one.
    assert!(store.load_snapshot(&account("bob")).await.unwrap().is_none());
}

/// What happened elsewhere meanwhile is known when an actor comes back.
#[tokio::test]
async fn an_actor_that_comes_back_has_forgotten_nothing() {
    let (net, systems, _) = Net::two().await;
    systems[0].actor::<Account>("ada").ask(Open { owner: "Ada".into() }).await.unwrap();
    for n in 1..=6 {
        let at = n % 2;
        net.hand_over(&account("ada"), at).await;
        systems[0].actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap();
        net.hand_over(&account("ada"), 1 - at).await;
        // A caller who has seen nothing.
        let balance = systems[1 - at].actor::<Account>("ada").query(Balance).await.unwrap();
        assert_eq!(balance, n as u64);
    }
}

/// One that is at work leaves when its turn ends, and answers no query from what it had.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_at_work_leaves_afterwards() {
    let (_net, systems, _) = Net::two().await;
    let gate = systems[0].actor::<Gate>("busy");
    assert_eq!(gate.ask(Pass).await.unwrap(), 1);
    let bolt = Bolt::shut(gate.id().unwrap());
    let asked = tokio::spawn({
        let gate = gate.clone();
        async move { gate.ask(Pass).await }
    });
    until("it is decided", || bolt.is_reached()).await;
    assert_eq!(gate.query(Passed).await.unwrap(), 1, "answered from memory, while it is at work");
    assert_eq!(systems[0].evict(&|_| true), 0);
    assert_eq!(systems[0].live(), 1);
    let mut query = gate.query(Passed);
    assert!(futures_util::poll!(&mut query).is_pending(), "answered from what is not to be answered from");
    bolt.open();
    assert_eq!(asked.await.unwrap().unwrap(), 2);
    assert_eq!(query.await.unwrap(), 2);
    // The query has brought it back, so nobody has told this one to leave.
    assert_eq!(gate.query(Passed).await.unwrap(), 2);
    assert_eq!(systems[0].live(), 1);

    let bolt = Bolt::shut(gate.id().unwrap());
    let asked = tokio::spawn(async move { gate.ask(Pass).await });
    until("it is decided", || bolt.is_reached()).await;
    assert_eq!(systems[0].evict(&|_| true), 0);
    bolt.open();
    assert_eq!(asked.await.unwrap().unwrap(), 3);
    until("it has left", || systems[0].live() == 0).await;
}
