//! Commands to actors that are here or elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aether_actor::{ActorError, AskError, CommandId, Outcome, Since};
use aether_core::{EventStoreExt, Version};

use super::gate::{Bolt, Gate, Pass};
use super::joined::{Net, WITHIN, account, until};
use crate::account::{Account, AccountError, Balance, Deposit, Explode, Open, Withdraw};

#[tokio::test]
async fn whoever_asks_is_answered_by_the_one_who_acts() {
    let (_net, systems, store) = Net::two().await;
    for (n, system) in systems.iter().enumerate() {
        let ada = system.actor::<Account>(format!("ada-{n}"));
        ada.ask(Open { owner: "Ada".into() }).await.unwrap();
        assert_eq!(ada.ask(Deposit { cents: 100 }).await.unwrap(), 100);
        let refused = ada.ask(Withdraw { cents: 101 }).await;
        assert_eq!(refused, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));
        assert_eq!(ada.query(Balance).await.unwrap(), 100);
        assert_eq!(store.get_latest_version(ada.id().unwrap()).await.unwrap(), Version::new(2));
    }
    // Both live with the first system, also the one that only the second has asked.
    assert_eq!((systems[0].live(), systems[1].live()), (2, 0));
}

#[tokio::test]
async fn an_actor_moves_and_its_callers_do_not_know() {
    let (net, systems, _) = Net::two().await;
    let refs = [systems[0].actor::<Account>("ada"), systems[1].actor::<Account>("ada")];
    refs[0].ask(Open { owner: "Ada".into() }).await.unwrap();
    for n in 0..10_usize {
        let (at, asker) = (n % 2, &refs[n / 2 % 2]);
        net.hand_over(&account("ada"), at).await;
        assert_eq!(asker.ask(Deposit { cents: 1 }).await.unwrap(), n as u64 + 1);
        assert_eq!(systems.each_ref().map(|system| system.live()), [1 - at, at]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_lost_or_doubled_while_an_actor_moves() {
    let (net, systems, _) = Net::two().await;
    systems[0].actor::<Account>("ada").ask(Open { owner: "Ada".into() }).await.unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (ada, answered) = (systems[n % 2].actor::<Account>("ada"), Arc::clone(&answered));
        tasks.spawn(async move {
            let mut replies = Vec::new();
            for _ in 0..50 {
                replies.push(ada.ask(Deposit { cents: 1 }).await.unwrap());
                answered.fetch_add(1, Ordering::Relaxed);
                let seen = *replies.last().unwrap();
                assert!(ada.query(Balance).await.unwrap() >= seen, "behind what was seen");
            }
            replies
        });
    }
    let mut at = 0;
    while !tasks.is_empty() {
        at = 1 - at;
        net.hand_over(&account("ada"), at).await;
        // So that each of them has something to do.
        let before = answered.load(Ordering::Relaxed);
        until("more is answered", || answered.load(Ordering::Relaxed) >= 400.min(before + 8)).await;
        if let Some(replies) = tasks.try_join_next() {
            assert!(replies.unwrap().is_sorted());
        }
    }
    assert_eq!(systems[0].actor::<Account>("ada").query(Balance).linearizable().await.unwrap(), 400);
}

#[tokio::test]
async fn what_is_sent_again_is_executed_once() {
    let (net, systems, store) = Net::two().await;
    // So that the second system has seen something.
    systems[1].actor::<Account>("bob").ask(Open { owner: "Bob".into() }).await.unwrap();
    let ada = systems[1].actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    let before = net.sent().len();
    let seen = systems[1].sequence();
    net.lose_replies(2);
    assert_eq!(ada.ask(Deposit { cents: 100 }).await.unwrap(), 100);
    let sent = net.sent().split_off(before);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|delivery| delivery.id == sent[0].id));
    assert_eq!(sent.iter().map(|delivery| delivery.is_fresh()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(sent.iter().map(|delivery| delivery.recorded).collect::<Vec<_>>(), [false, true, true]);
    // An attempt that is looked for is looked for from when its id was made.
    assert!(sent.iter().all(|delivery| delivery.since == Since::Commit(seen)));
    assert_eq!(store.get_latest_version(&account("ada")).await.unwrap(), Version::new(2));
    net.lose_replies(1);
    let refused = ada.ask(Withdraw { cents: 101 }).await;
    assert_eq!(refused, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));
}

/// The first attempt was on its way to a process that had long been frozen.
#[tokio::test]
async fn an_attempt_that_comes_late_finds_the_one_that_overtook_it() {
    let (net, systems, store) = Net::two().await;
    let ada = systems[1].actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    assert_eq!(ada.ask(Deposit { cents: 100 }).await.unwrap(), 100);
    let first = net.sent().pop().unwrap();
    assert!(first.is_fresh() && first.is_first_attempt());
    for system in &systems {
        let (actor, data) = (account("ada"), br#"{"cents":100}"#);
        let late = system.command_here(&actor, "Deposit", data, first.clone()).await.unwrap();
        assert_eq!((late.outcome, late.recorded), (Outcome::Done("100".into()), true));
    }
    assert_eq!(store.get_latest_version(&account("ada")).await.unwrap(), Version::new(2));
}

#[tokio::test]
async fn an_id_is_one_command_wherever_it_is_sent_from() {
    let (net, systems, _) = Net::two().await;
    systems[0].actor::<Account>("ada").ask(Open { owner: "Ada".into() }).await.unwrap();
    let id = CommandId::from_key("request-7");
    for n in 0..4 {
        let ada = systems[n % 2].actor::<Account>("ada");
        assert_eq!(ada.ask(Deposit { cents: 100 }).id(id).await.unwrap(), 100);
        net.hand_over(&account("ada"), n / 2 % 2).await;
    }
}

#[tokio::test]
async fn a_tell_to_elsewhere_has_been_answered() {
    let (net, systems, store) = Net::two().await;
    let ada = systems[1].actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).tell().await.unwrap();
    let id = CommandId::from_key("tell");
    assert_eq!(ada.ask(Deposit { cents: 5 }).id(id).tell().await.unwrap(), id);
    assert_eq!(store.get_latest_version(&account("ada")).await.unwrap(), Version::new(2));
    // A refusal is an answer.
    ada.ask(Withdraw { cents: 6 }).tell().await.unwrap();
    // And what has been told has been seen.
    assert_eq!(ada.query(Balance).await.unwrap(), 5);
    net.cut();
    let told = ada.ask(Deposit { cents: 5 }).within(Duration::from_millis(20)).tell().await;
    assert!(matches!(told, Err(ActorError::TimedOut { .. })), "{told:?}");
}

#[tokio::test]
async fn errors_arrive() {
    let (net, systems, _) = Net::two().await;
    let ada = systems[1].actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    for in_evolve in [false, true] {
        let panicked = ada.ask(Explode { in_evolve }).await;
        assert_eq!(panicked, Err(AskError::Failed(ActorError::Panicked { message: "boom".into() })));
    }
    assert_eq!(ada.ask(Deposit { cents: 1 }).await.unwrap(), 1);
    net.cut();
    let begun = Instant::now();
    let id = CommandId::from_key("lost");
    let lost = ada.ask(Deposit { cents: 1 }).id(id).within(Duration::from_millis(20)).await;
    assert_eq!(lost, Err(AskError::Failed(ActorError::TimedOut { id })));
    let lost = ada.query(Balance).within(Duration::from_millis(20)).await;
    assert!(matches!(lost, Err(ActorError::TimedOut { .. })), "{lost:?}");
    assert!(begun.elapsed() < WITHIN);
}

#[tokio::test]
async fn a_system_that_has_stopped_asks_nobody() {
    let (_net, systems, _) = Net::two().await;
    let ada = systems[1].actor::<Account>("ada");
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    systems[1].clone().shutdown(WITHIN).await;
    assert_eq!(ada.ask(Deposit { cents: 1 }).await, Err(AskError::Failed(ActorError::Stopped)));
    assert_eq!(ada.query(Balance).await, Err(ActorError::Stopped));
}

/// A shard is drained once what was asked is settled, also if nobody waits for it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_permit_lasts_until_the_command_is_settled() {
    let (net, systems, _) = Net::two().await;
    let gate = systems[0].actor::<Gate>("permit");
    let id = gate.id().unwrap().clone();
    let bolt = Bolt::shut(&id);
    let asked = tokio::spawn({
        let gate = gate.clone();
        async move { gate.ask(Pass).await }
    });
    until("it is decided", || bolt.is_reached()).await;
    let entries = net.entries(0, &id);
    assert_eq!(entries.count(), 1);
    gate.ask(Pass).tell().await.unwrap();
    assert_eq!(entries.count(), 2);
    asked.abort();
    entries.close();
    let mut drained = Box::pin(entries.drained());
    assert!(futures_util::poll!(drained.as_mut()).is_pending(), "what is under way is not waited for");
    bolt.open();
    tokio::time::timeout(WITHIN, drained).await.unwrap();
}

/// What has been seen of any actor is behind a command that is made later.
#[tokio::test]
async fn the_highest_sequence_is_that_of_all_that_was_seen() {
    let (_net, systems, store) = Net::two().await;
    assert_eq!(systems[1].sequence(), 0);
    assert_eq!(systems[1].actor::<Account>("ada").since(), Since::Ever);
    for name in ["ada", "bob"] {
        systems[1].actor::<Account>(name).ask(Open { owner: name.into() }).await.unwrap();
        let head = store.get_latest_version(&account(name)).await.unwrap();
        assert_eq!(head, Version::new(1));
    }
    let bob = aether_core::EventStore::get_head(&store, &account("bob")).await.unwrap().sequence();
    assert_eq!(systems.each_ref().map(|system| system.sequence()), [bob, bob]);
    assert_eq!(systems[1].actor::<Account>("ada").since(), Since::Commit(bob));
}
