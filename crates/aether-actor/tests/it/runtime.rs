//! The runtime over the embedded store: what a user sees first.

use std::time::Duration;

use aether_actor::{ActorError, ActorOptions, ActorSystem, AskError, CommandId, SnapshotPolicy};
use aether_core::{EventStore, EventStoreExt, Version};
use aether_store_memory::MemoryEventStore;

use crate::account::{Account, AccountError, AccountEvent, Balance, Deposit, Explode, Open, Withdraw};

async fn system(store: &MemoryEventStore, options: ActorOptions) -> ActorSystem {
    ActorSystem::builder(store.clone()).actor_with::<Account>(options).start().await.unwrap()
}

#[tokio::test]
async fn a_command_is_saved_and_answered() {
    let store = MemoryEventStore::new();
    let system = system(&store, ActorOptions::default()).await;
    let ada = system.actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    assert_eq!(ada.ask(Deposit { cents: 100 }).await.unwrap(), 100);
    assert_eq!(ada.ask(Withdraw { cents: 30 }).await.unwrap(), 70);
    let refused = ada.ask(Withdraw { cents: 71 }).await;
    assert_eq!(refused, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));
    assert_eq!(ada.query(Balance).await.unwrap(), 70);
    assert_eq!(ada.query(Balance).linearizable().await.unwrap(), 70);
    assert_eq!(store.get_latest_version(ada.id().unwrap()).await.unwrap(), Version::new(3));
}

#[tokio::test]
async fn a_command_sent_again_is_executed_once() {
    let store = MemoryEventStore::new();
    let id = CommandId::from_key("request-7");
    for _ in 0..3 {
        let system = system(&store, ActorOptions::default().remember(1)).await;
        let ada = system.actor::<Account>("ada");
        let _ = ada.ask(Open { owner: "Ada".into() }).await;
        assert_eq!(ada.ask(Deposit { cents: 100 }).id(id).await.unwrap(), 100);
        assert_eq!(ada.ask(Deposit { cents: 100 }).id(id).await.unwrap(), 100);
        ada.ask(Deposit { cents: 1 }).await.unwrap();
    }
    let system = system(&store, ActorOptions::default()).await;
    assert_eq!(system.actor::<Account>("ada").query(Balance).await.unwrap(), 103);
}

#[tokio::test]
async fn a_panic_fails_one_command() {
    let store = MemoryEventStore::new();
    let system = system(&store, ActorOptions::default()).await;
    let ada = system.actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    let panicked = ada.ask(Explode { in_evolve: false }).await;
    assert!(matches!(panicked, Err(AskError::Failed(ActorError::Panicked { .. }))), "{panicked:?}");
    let panicked = ada.ask(Explode { in_evolve: true }).await;
    assert!(matches!(panicked, Err(AskError::Failed(ActorError::Panicked { .. }))), "{panicked:?}");
    assert_eq!(ada.ask(Deposit { cents: 5 }).await.unwrap(), 5);
    assert_eq!(store.get_latest_version(ada.id().unwrap()).await.unwrap(), Version::new(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_systems_over_one_store_lose_nothing() {
    let store = MemoryEventStore::new();
    let systems =
        [system(&store, ActorOptions::default()).await, system(&store, ActorOptions::default()).await];
    systems[0].actor::<Account>("ada").ask(Open { owner: "Ada".into() }).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let system = systems[n % 2].clone();
        tasks.spawn(async move { system.actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap() });
    }
    let mut replies = tasks.join_all().await;
    replies.sort_unstable();
    assert_eq!(replies, (1..=200).collect::<Vec<_>>());
    assert_eq!(systems[1].actor::<Account>("ada").query(Balance).linearizable().await.unwrap(), 200);
}

#[tokio::test]
async fn snapshots_and_passivation_change_nothing() {
    let store = MemoryEventStore::new();
    let options = ActorOptions::default()
        .snapshots(SnapshotPolicy::every(3).or_at_passivation(1))
        .idle(Duration::from_millis(20));
    let system = system(&store, options).await;
    let ada = system.actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    for n in 1..=10 {
        assert_eq!(ada.ask(Deposit { cents: 1 }).await.unwrap(), n);
        if n % 4 == 0 {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
            while system.live() > 0 {
                assert!(tokio::time::Instant::now() < deadline, "the actor does not leave memory");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
    assert_eq!(store.get_head(ada.id().unwrap()).await.unwrap().version(), Version::new(11));
    let (then, version) = system.state_at_version::<Account>("ada", Version::new(6)).await.unwrap();
    assert_eq!((then.cents, version), (5, Version::new(6)));
}

#[tokio::test]
async fn a_shutdown_finishes_what_waits() {
    let store = MemoryEventStore::new();
    let system = system(&store, ActorOptions::default()).await;
    let ada = system.actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    for _ in 0..10 {
        ada.ask(Deposit { cents: 1 }).tell().await.unwrap();
    }
    let report = system.clone().shutdown(Duration::from_secs(5)).await;
    assert!(report.unhandled.is_empty());
    assert_eq!(store.get_latest_version(ada.id().unwrap()).await.unwrap(), Version::new(11));
    assert_eq!(ada.ask(Deposit { cents: 1 }).await, Err(AskError::Failed(ActorError::Stopped)));
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_conserve_money() {
    let store = MemoryEventStore::new();
    let systems =
        [system(&store, ActorOptions::default()).await, system(&store, ActorOptions::default()).await];
    for name in ["a", "b", "c"] {
        let account = systems[0].actor::<Account>(name);
        account.ask(Open { owner: name.into() }).await.unwrap();
        account.ask(Deposit { cents: 10 }).await.unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..60_usize {
        let system = systems[n % 2].clone();
        tasks.spawn(async move {
            let names = ["a", "b", "c"];
            let (from, to) =
                (system.actor::<Account>(names[n % 3]), system.actor::<Account>(names[(n + 1 + n / 30) % 3]));
            let id = CommandId::from_key(&format!("transfer-{n}"));
            let mut replies = Vec::new();
            for _ in 0..2 {
                let moved = system.transaction((&from, &to)).id(id).decide(|(from, to)| {
                    let left = from.state().cents.checked_sub(4).ok_or(AccountError::Overdrawn { by: 4 })?;
                    from.record(AccountEvent::Withdrawn { cents: 4 });
                    to.record(AccountEvent::Deposited { cents: 4 });
                    Ok::<_, AccountError>(left)
                });
                replies.push(moved.await);
            }
            if replies[0].is_ok() {
                assert_eq!(replies[0], replies[1]);
            }
            assert!(
                replies.iter().all(|reply| matches!(reply, Ok(_) | Err(AskError::Refused(_)))),
                "{replies:?}"
            );
        });
    }
    tasks.join_all().await;
    let mut total = 0;
    for name in ["a", "b", "c"] {
        total += systems[1].actor::<Account>(name).query(Balance).linearizable().await.unwrap();
    }
    assert_eq!(total, 30);
}
