//! Process managers, step by step.

use aether_actor::{ActorSystem, StartError, describe, describe_process};
use aether_core::{RecordedEvent, Version};

use crate::bank::{Account, Close};
use crate::transfer::{Ended, OVERDUE, Transfer};
use crate::world::{World, ask, balance, ended, open, transfer};

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
    let faulty = crate::faulty::Faulty::over(&store);
    faulty.fail(|commit| crate::faulty::refuse(commit, "Debited"));
    let stuck = world.over(faulty.clone());
    let system = stuck.bank().await;
    open(&system, "ada", 100).await;
    ask(&system, "t1", "ada", "bob", 30).await;
    world.until_log("begun", |log| log.iter().any(|e| e.event_type() == "aether.TimerSet")).await;
    clock.advance(OVERDUE);
    world.until_log("overdue", |log| log.iter().any(|e| e.event_type() == "TransferOverdue")).await;
    faulty.fail(|_| crate::faulty::Fault::None);
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
    system.shutdown(crate::world::WITHIN).await;
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
            aether_event::decode_with::<crate::transfer::TransferEvent>(
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
