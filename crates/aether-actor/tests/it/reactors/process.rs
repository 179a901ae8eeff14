//! Process managers, step by step.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::UnknownEvents;
use aether_actor::{
    ActorSystem, CommandId, CommandSent, ProcessOptions, StartError, describe, describe_process,
};
use aether_core::{ActorId, Event, EventStoreExt, RecordedEvent, Version};
use aether_group::GroupAdmin;

use super::bank::{Account, Close};
use super::transfer::{Ended, OVERDUE, Transfer};
use super::world::{WITHIN, World, ask, balance, ended, open, quick, transfer, until};

#[tokio::test]
async fn a_transfer_is_done_step_by_step() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    assert_eq!(ended(&system, "t1").await, Ended::Done);
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (70, 30));
    assert_eq!(
        world.types("transfer-t1").await,
        [
            "TransferBegun",
            "process.CommandSent",
            "aether.TimerSet",
            "process.CommandAnswered",
            "TransferPaidOut",
            "process.CommandSent",
            "process.CommandAnswered",
            "TransferEnded",
            "aether.TimerCancelled",
        ]
    );
}

#[tokio::test]
async fn the_ids_of_commands_derive_from_what_they_are_a_reaction_to() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    ended(&system, "t1").await;
    let log = world.log().await;
    let sent: Vec<_> = log.iter().filter(|event| event.event_type() == "process.CommandSent").collect();
    assert_eq!(sent.len(), 2);
    for event in sent {
        let reaction: CommandId = event.metadata().command_id.as_deref().unwrap().parse().unwrap();
        let id = CommandId::caused_by(reaction.uuid(), "send 0");
        assert_eq!(event.data::<CommandSent>().unwrap().id, id);
        let executed = log.iter().filter(|event| event.metadata().command_id == Some(id.to_string()));
        assert_eq!(executed.count(), 1);
    }
}

#[tokio::test]
async fn an_outage_parks_nobody() {
    let (world, store, _) = World::by_hand();
    let faulty = super::faulty::Faulty::over(&store);
    faulty.fail(|commit| super::faulty::refuse(commit, "Debited"));
    let options = ProcessOptions::default().consumer(quick());
    let system = world.over(faulty.clone()).builder().process_with::<Transfer>(options);
    let system = system.deadline(Duration::from_millis(20)).start().await.unwrap();
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    until("it has been tried", || faulty.refused() > 0).await;
    // Longer than all attempts that an event has before its actor is parked.
    tokio::time::sleep(Duration::from_millis(500)).await;
    faulty.fail(|_| super::faulty::Fault::None);
    assert_eq!(ended(&system, "t1").await, Ended::Done);
}

#[tokio::test]
async fn all_steps_are_one_conversation() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    aether_core::Context::correlated("request-7").scope(ask(&system, "t1", "ada", "bob", 30)).await;
    ended(&system, "t1").await;
    let log = world.log().await;
    let find = |actor: &str, kind: &str| -> &RecordedEvent {
        log.iter().find(|event| event.actor().as_str() == actor && event.event_type() == kind).unwrap()
    };
    let chain = [
        find("account-ada", "TransferAsked"),
        find("transfer-t1", "TransferBegun"),
        find("account-ada", "Debited"),
        find("transfer-t1", "TransferPaidOut"),
        find("account-bob", "Credited"),
        find("transfer-t1", "TransferEnded"),
    ];
    for event in chain {
        assert_eq!(event.metadata().correlation_id.as_deref(), Some("request-7"), "{}", event.event_type());
    }
    let causation = |event: &RecordedEvent| event.metadata().causation_id.clone();
    assert_eq!(causation(chain[1]), Some(chain[0].id().to_string()));
    let sent = find("transfer-t1", "process.CommandSent");
    assert_eq!(causation(chain[2]), Some(sent.id().to_string()));
}

#[tokio::test]
async fn what_is_refused_is_answered_too() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 10).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    assert_eq!(ended(&system, "t1").await, Ended::NotCovered);
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (10, 0));
}

#[tokio::test]
async fn what_cannot_go_on_is_compensated() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    system.actor::<Account>("bob").ask(Close).await.unwrap();
    ask(&system, "t1", "ada", "bob", 30).await;
    assert_eq!(ended(&system, "t1").await, Ended::Refunded);
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (100, 0));
}

#[tokio::test]
async fn a_process_hears_of_its_timer_once() {
    let (world, store, clock) = World::by_hand();
    // Without the group of the commands nothing goes on.
    let faulty = super::faulty::Faulty::over(&store);
    faulty.fail(|commit| super::faulty::refuse(commit, "Debited"));
    let stuck = world.over(faulty.clone());
    let system = stuck.bank().await;
    open(&system, "ada", 100).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    world.until_log("begun", |log| log.iter().any(|e| e.event_type() == "aether.TimerSet")).await;
    clock.advance(OVERDUE);
    world.until_log("overdue", |log| log.iter().any(|e| e.event_type() == "TransferOverdue")).await;
    faulty.fail(|_| super::faulty::Fault::None);
    ended(&system, "t1").await;
    assert_eq!(transfer(&system, "t1").await.overdue, 1);
}

#[tokio::test]
async fn events_that_come_again_change_nothing() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    for n in 0..10 {
        ask(&system, &format!("t{n}"), "ada", "bob", n).await;
    }
    for n in 0..10 {
        ended(&system, &format!("t{n}")).await;
    }
    system.shutdown(WITHIN).await;
    let before = world.log().await;
    // All is handled again, and then something new.
    let system = world.forgetful().bank().await;
    ask(&system, "new", "ada", "bob", 1).await;
    ended(&system, "new").await;
    let after = world.log().await;
    assert_eq!(after[..before.len()], before[..]);
    let others: Vec<_> = after[before.len()..]
        .iter()
        .filter(|event| !matches!(event.actor().as_str(), "transfer-new"))
        .map(|event| event.event_type())
        .collect();
    assert_eq!(others, ["TransferAsked", "Debited", "Credited"]);
    assert_eq!((balance(&system, "ada").await, balance(&system, "bob").await), (54, 46));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_recorded_and_parks_its_process() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", &"x".repeat(600), 30).await;
    ask(&system, "t2", "ada", "bob", 30).await;
    assert_eq!(ended(&system, "t2").await, Ended::Done);
    let admin = GroupAdmin::new(
        "process-transfer-commands",
        Arc::clone(&world.store) as _,
        world.coordination.clone(),
    );
    let parked = loop {
        match admin.parked().await.unwrap().pop() {
            Some(parked) => break parked,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(parked.actor.as_str(), "transfer-t1");
    let letter = format!("{:?}", parked.parked);
    assert!(letter.contains("Credit to account-xxx"), "{letter}");
    assert_eq!(
        world.types("transfer-t1").await,
        ["TransferBegun", "process.CommandSent", "aether.TimerSet"],
        "a part of the reaction was saved"
    );
}

#[tokio::test]
async fn what_a_newer_program_has_saved_waits_for_it() {
    let (world, ..) = World::by_hand();
    let bare = world.bare().start().await.unwrap();
    for account in ["ada", "bob", "eve"] {
        open(&bare, account, 100).await;
    }
    drop(bare);
    let newer =
        Event::new(&ActorId::new("account-ada").unwrap(), Version::new(2), "AccountFrozen", &()).unwrap();
    world.store.save_event(&newer).await.unwrap();
    let system = world.bank_with(UnknownEvents::Fail, UnknownEvents::Skip).await;
    ask(&system, "t1", "ada", "eve", 30).await;
    ask(&system, "t2", "bob", "eve", 30).await;
    assert_eq!(ended(&system, "t2").await, Ended::Done);
    assert!(world.types("transfer-t1").await.is_empty());
    system.shutdown(WITHIN).await;
    let system = world.bank_with(UnknownEvents::Skip, UnknownEvents::Skip).await;
    assert_eq!(ended(&system, "t1").await, Ended::Done);
}

#[tokio::test]
async fn a_group_that_fails_is_joined_again() {
    let (world, store, _) = World::by_hand();
    let faulty = super::faulty::Faulty::over(&store);
    let world = world.over(faulty.clone());
    // The timers, the events and the commands.
    faulty.fail_subscriptions(3);
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    assert_eq!(ended(&system, "t1").await, Ended::Done);
    assert!(faulty.has_failed());
    system.shutdown(WITHIN).await;
}

#[tokio::test]
async fn the_actors_have_to_be_there() {
    let (world, ..) = World::by_hand();
    let error = ActorSystem::builder(world.store).process::<Transfer>().start().await.unwrap_err();
    assert!(matches!(error, StartError::Missing { category: "account", .. }), "{error}");
}

#[tokio::test]
async fn its_own_log_can_be_read_like_any_other() {
    let (world, ..) = World::by_hand();
    let system = world.bank().await;
    open(&system, "ada", 100).await;
    open(&system, "bob", 0).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    ended(&system, "t1").await;
    let (then, version) =
        system.state_at_version::<aether_actor::Process<Transfer>>("t1", Version::new(7)).await.unwrap();
    assert_eq!((then.state().ended, version), (None, Version::new(7)));
    let log = world.log().await;
    let own = log.iter().filter(|event| event.actor().category() == "transfer");
    let typed: usize = own
        .map(|event| {
            aether_event::decode_with::<super::transfer::TransferEvent>(
                event,
                aether_event::UnknownEvents::Skip,
            )
        })
        .map(|events| events.unwrap().len())
        .sum();
    assert_eq!(typed, 3);
}

#[test]
fn it_says_what_it_does() {
    let policy = describe_process::<Transfer>();
    let names = |references: &[aether_model::Reference]| -> Vec<String> {
        references.iter().map(|reference| reference.to_string()).collect()
    };
    assert_eq!(names(&policy.reacts_to), ["TransferAsked"]);
    assert_eq!(names(&policy.sends), ["Debit", "Credit", "Refund"]);
    let account = describe::<Account>();
    assert_eq!(names(&account.answers), ["Balance"]);
    assert_eq!(names(&account.handles), ["Open", "Close", "AskTransfer", "Debit", "Credit", "Refund"]);
    assert_eq!(account.emits.len(), 6);
}
