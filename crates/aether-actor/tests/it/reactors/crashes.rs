//! Systems that crash at every step, and several that share the work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_actor::{ActorSystem, AskError, CommandId};
use aether_store_memory::MemoryEventStore;

use super::bank::{Account, AskTransfer};
use super::faulty::{Fault, Faulty, refuse};
use super::transfer::Ended;
use super::world::{World, ask, balance, ended, open};

/// A system stops before an event of this type stands, and another one goes on from there.
async fn stopped_before(event_type: &'static str) {
    let (world, store, _) = World::by_hand();
    let faulty = Faulty::over(&store);
    let first = world.over(faulty.clone());
    let system = first.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    faulty.fail(move |commit| refuse(commit, event_type));
    ask(&system, "t1", "ada", "bob", 30).await;
    super::world::until("it is stuck", || faulty.refused() > 0).await;
    drop(system);
    assert!(!world.log().await.iter().any(|event| event.event_type() == event_type));
    let system = world.bank().await;
    assert_eq!(ended(&system, "t1").await, Ended::Done, "{event_type}");
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (70, 30), "{event_type}");
}

#[tokio::test]
async fn another_goes_on_where_one_has_stopped() {
    for step in ["TransferBegun", "Debited", "TransferPaidOut", "Credited", "TransferEnded"] {
        stopped_before(step).await;
    }
}

/// What a system saves stands, and it does not hear of it: at every step.
#[tokio::test]
async fn a_step_that_nobody_heard_of_is_not_done_twice() {
    for step in ["TransferBegun", "Debited", "TransferPaidOut", "Credited", "TransferEnded"] {
        let (world, store, _) = World::by_hand();
        let faulty = Faulty::over(&store);
        let first = world.over(faulty.clone());
        let system = first.bank().await;
        open(&system, "ada", 100).await;
        open(&system, "bob", 0).await;
        let silent = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&silent);
        faulty.fail(move |commit| match refuse(commit, step) {
            Fault::Refused => {
                told.fetch_add(1, Ordering::Relaxed);
                Fault::Unknown
            }
            other => other,
        });
        ask(&system, "t1", "ada", "bob", 30).await;
        super::world::until("it stands", || silent.load(Ordering::Relaxed) > 0).await;
        drop(system);
        let system = world.bank().await;
        assert_eq!(ended(&system, "t1").await, Ended::Done, "{step}");
        assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (70, 30), "{step}");
        let types = world.types("transfer-t1").await;
        assert_eq!(types.iter().filter(|of| **of == "TransferBegun").count(), 1, "{step}: {types:?}");
    }
}

/// Every fifth save fails by chance, half of them although it stands.
fn by_chance(store: &MemoryEventStore) -> Faulty {
    let faulty = Faulty::over(store);
    faulty.fail(|_| match fastrand::u32(0..10) {
        0 => Fault::Refused,
        1 => Fault::Unknown,
        _ => Fault::None,
    });
    faulty
}

const ACCOUNTS: u64 = 8;
const CENTS: u64 = 1000;

/// Asks for transfers at random, through whichever of the systems is alive.
async fn transfer_at_random(system: &ActorSystem, key: &str) {
    let (from, to, cents) = (fastrand::u64(..ACCOUNTS), fastrand::u64(..ACCOUNTS), fastrand::u64(1..400));
    loop {
        let command = AskTransfer { transfer: key.into(), to: format!("a{to}"), cents };
        let asked =
            system.actor::<Account>(format!("a{from}")).ask(command).id(CommandId::from_key(key)).await;
        match asked {
            Ok(()) => return,
            Err(AskError::Failed(error)) if error.is_retryable() || error.is_unknown() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// All transfers have ended, each account was debited and credited once for each, and no money came or went.
async fn assert_conserved(system: &ActorSystem, transfers: u64) {
    let mut ends = BTreeSet::new();
    for n in 0..transfers {
        ends.insert(format!("{:?}", ended(system, &format!("t{n}")).await));
    }
    let mut sum = 0;
    for n in 0..ACCOUNTS {
        let version = aether_core::Version::new(u64::MAX);
        let (account, _) = system.state_at_version::<Account>(format!("a{n}"), version).await.unwrap();
        assert_eq!(account.doubled, 0, "account a{n}: {account:?}");
        sum += account.cents;
    }
    assert_eq!(sum, ACCOUNTS * CENTS);
    assert!(ends.len() > 1, "all ended alike: {ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_conserved_while_systems_crash() {
    const TRANSFERS: u64 = 150;
    let (world, store, _) = World::by_hand();
    let system = world.bare().start().await.unwrap();
    for n in 0..ACCOUNTS {
        open(&system, &format!("a{n}"), CENTS).await;
    }
    drop(system);
    let mut asked = 0;
    while asked < TRANSFERS {
        let system = world.over(by_chance(&store)).bank().await;
        for _ in 0..30 {
            transfer_at_random(&system, &format!("t{asked}")).await;
            asked += 1;
        }
        // Some steps are done, whichever they are.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..30))).await;
        drop(system);
    }
    let system = world.over(by_chance(&store)).bank().await;
    assert_conserved(&system, TRANSFERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn systems_share_the_work() {
    const TRANSFERS: u64 = 100;
    let (world, store, _) = World::by_hand();
    let systems = [world.over(by_chance(&store)).bank().await, world.over(by_chance(&store)).bank().await];
    for n in 0..ACCOUNTS {
        open(&systems[0], &format!("a{n}"), CENTS).await;
    }
    for n in 0..TRANSFERS {
        transfer_at_random(&systems[usize::try_from(n).unwrap() % 2], &format!("t{n}")).await;
    }
    assert_conserved(&systems[1], TRANSFERS).await;
    let [a, b] = systems;
    for system in [a, b] {
        assert!(system.shutdown(super::world::WITHIN).await.unhandled.is_empty());
    }
}
