//! The judge can be trusted: whatever is wrong in a history, it finds.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::encode;
use aether_actor::{ActorOptions, ActorSystem, CommandId, Store};
use aether_core::{Event, EventStoreExt};
use aether_store_memory::MemoryEventStore;

use super::hammer::{Hammer, Load};
use super::history::{Answered, Asked, Operation, Verdict};
use super::list::{AnotherIsLast, List, ListEvent, Sight};

/// A true history, and its store.
async fn history() -> (MemoryEventStore, Vec<Operation>) {
    let store = MemoryEventStore::new();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let start = async || {
        let system = ActorSystem::builder(Arc::clone(&shared)).actor_with::<List>(ActorOptions::default());
        system.start().await.unwrap()
    };
    let systems = [start().await, start().await];
    let hammer = Hammer::start(&systems, Load { askers: 4, actors: 1, rest: Duration::ZERO }, 1);
    while hammer.answered() < 300 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let done = hammer.stop().await;
    assert_eq!(verdict(&store, &done.operations).await.violations().map(|(_, count)| count), [0; 7]);
    (store, done.operations)
}

async fn verdict(store: &MemoryEventStore, operations: &[Operation]) -> Verdict {
    Verdict::of(store, operations).await.unwrap()
}

fn appended(operation: &Operation) -> Option<Sight> {
    match (operation.asked, &operation.answered) {
        (Asked::Append { .. }, Answered::Seen(sight)) => Some(*sight),
        _ => None,
    }
}

fn first(operations: &mut [Operation], wanted: impl Fn(&Operation) -> bool) -> &mut Operation {
    operations.iter_mut().find(|operation| wanted(operation)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_are_not_there_or_there_twice() {
    let (store, mut operations) = history().await;
    let there = first(&mut operations, |operation| appended(operation).is_some()).clone();
    let number = appended(&there).unwrap().last;

    let (command, asked) = (CommandId::new(), Asked::Append { number: u64::MAX });
    operations.push(Operation { command, asked, ..there.clone() });
    assert_eq!(verdict(&store, &operations).await.lost, 1);

    operations.pop();
    let (event_type, payload) = encode(&ListEvent::Appended { number }).unwrap();
    let next = store.get_latest_version(&there.actor).await.unwrap().next();
    let again = Event::builder(&there.actor, next, event_type).payload(payload).build().unwrap();
    store.save_event(&again).await.unwrap();
    assert_eq!(verdict(&store, &operations).await.doubled, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_true() {
    let (store, operations) = history().await;

    let mut wrong = operations.clone();
    let operation = first(&mut wrong, |operation| appended(operation).is_some());
    let Sight { len, last } = appended(operation).unwrap();
    operation.answered = Answered::Seen(Sight { len: len + 1, last });
    assert_eq!(verdict(&store, &wrong).await.wrong, 1);

    let mut refused = operations.clone();
    let operation = first(&mut refused, |operation| appended(operation).is_some());
    operation.answered = Answered::Refused(AnotherIsLast(Sight { len: 0, last: 0 }));
    let found = verdict(&store, &refused).await;
    assert_eq!((found.denied, found.misjudged), (1, 1));

    let mut refused = operations;
    let is_refused = |operation: &Operation| matches!(operation.answered, Answered::Refused(_));
    let operation = first(&mut refused, is_refused);
    let (Asked::AppendAfter { number, .. }, Answered::Refused(AnotherIsLast(sight))) =
        (operation.asked, &operation.answered)
    else {
        panic!("only these are refused")
    };
    operation.asked = Asked::AppendAfter { last: sight.last, number };
    assert_eq!(verdict(&store, &refused).await.misjudged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_out_of_time() {
    let (store, operations) = history().await;
    let end = operations.iter().map(|operation| operation.ended).max().unwrap();
    let after = end + Duration::from_secs(1);

    // What was appended first was asked for when all the others had been answered.
    let mut late = operations.clone();
    let operation = first(&mut late, |operation| appended(operation).is_some_and(|sight| sight.len < 10));
    (operation.began, operation.ended) = (after, after);
    assert_eq!(verdict(&store, &late).await.out_of_time, 1);

    // A query that is answered with what was there long ago: false if it is linearizable, and if its asker knew better.
    for linearizable in [false, true] {
        let mut stale = operations.clone();
        let knows = first(&mut stale, |operation| appended(operation).is_some()).clone();
        let answered = Answered::Seen(Sight { len: 0, last: 0 });
        let asked = Asked::Peek { linearizable };
        let peek = Operation { asked, answered, began: after, ended: after, ..knows };
        stale.push(peek);
        let found = verdict(&store, &stale).await;
        assert_eq!((found.out_of_time, found.went_back), (u64::from(linearizable), 1));
        let stranger = Operation { asker: usize::MAX, ..stale.pop().unwrap() };
        stale.push(stranger);
        let found = verdict(&store, &stale).await;
        assert_eq!((found.out_of_time, found.went_back), (u64::from(linearizable), 0));
    }
}
