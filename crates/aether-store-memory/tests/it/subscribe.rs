//! Subscriptions: what they deliver, when they say what has gone by, and that no save is missed at the end of the log.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use aether_core::{
    ActorId, Commit, Delivery, Event, EventFilter, EventStore, EventStoreExt, Position, Saved, Subscribe,
    SubscribeFrom, SubscribeOptions, Subscription, Version,
};
use aether_store_memory::MemoryEventStore;
use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};

fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

fn event(actor: &ActorId, version: u64, event_type: &'static str) -> Event {
    Event::new(actor, Version::new(version), event_type, &version).unwrap()
}

fn save(store: &MemoryEventStore, id: &str, version: u64, event_type: &'static str) -> Saved {
    block_on(store.save_event(&event(&actor(id), version, event_type))).unwrap()
}

fn subscribe(store: &MemoryEventStore, from: impl Into<SubscribeFrom>, filter: EventFilter) -> Subscription {
    let options = SubscribeOptions::from(from.into()).filter(filter);
    block_on(store.subscribe(&options)).unwrap()
}

/// What is there without waiting, in short: positions of events, `<position>` passed, and the states.
fn ready(subscription: &mut Subscription) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(delivery) = subscription.next().now_or_never() {
        seen.push(match delivery.unwrap().unwrap() {
            Delivery::Event(event) => event.position.to_string(),
            Delivery::Passed(position) => format!("<{position}>"),
            Delivery::CaughtUp => "caught up".to_owned(),
            Delivery::FellBehind => "fell behind".to_owned(),
            _ => unreachable!(),
        });
    }
    seen
}

#[test]
fn it_begins_where_it_was_told_to() {
    let store = MemoryEventStore::new();
    let mut early = subscribe(&store, SubscribeFrom::Start, EventFilter::all());
    assert_eq!(ready(&mut early), ["caught up"]);
    let (a, b) = (actor("a-1"), actor("b-1"));
    let both = [event(&a, 1, "A"), event(&b, 1, "B")];
    block_on(store.save_events(&both)).unwrap();
    save(&store, "a-1", 2, "A");
    assert_eq!(ready(&mut early), ["1.0", "1.1", "2.0"]);
    let mut from_start = subscribe(&store, SubscribeFrom::Start, EventFilter::all());
    let mut inside = subscribe(&store, Some(Position::new(1, 0)), EventFilter::all());
    let mut after_all = subscribe(&store, Some(Position::new(2, 0)), EventFilter::all());
    let mut beyond = subscribe(&store, Some(Position::new(3, 0)), EventFilter::all());
    let mut now = subscribe(&store, SubscribeFrom::Now, EventFilter::all());
    save(&store, "a-1", 3, "A");
    save(&store, "a-1", 4, "A");
    assert_eq!(ready(&mut from_start), ["1.0", "1.1", "2.0", "caught up", "3.0", "4.0"]);
    assert_eq!(ready(&mut inside), ["1.1", "2.0", "caught up", "3.0", "4.0"]);
    assert_eq!(ready(&mut after_all), ["caught up", "3.0", "4.0"]);
    assert_eq!(ready(&mut beyond), ["caught up", "4.0"]);
    assert_eq!(ready(&mut now), ["caught up", "3.0", "4.0"]);
}

#[test]
fn what_does_not_match_goes_by() {
    let store = MemoryEventStore::new();
    let (a, b) = (actor("a-1"), actor("b-1"));
    save(&store, "a-1", 1, "Made");
    save(&store, "b-1", 1, "Made");
    block_on(store.save_events(&[event(&a, 2, "Changed"), event(&b, 2, "Made")])).unwrap();
    let mut category = subscribe(&store, SubscribeFrom::Start, EventFilter::category("a"));
    assert_eq!(ready(&mut category), ["1.0", "3.0", "<3.1>", "caught up"]);
    let mut one = subscribe(&store, SubscribeFrom::Start, EventFilter::actor(&b));
    assert_eq!(ready(&mut one), ["2.0", "3.1", "caught up"]);
    let mut types = subscribe(&store, SubscribeFrom::Start, EventFilter::all().types(["Changed"]));
    assert_eq!(ready(&mut types), ["3.0", "<3.1>", "caught up"]);
    let head = save(&store, "a-1", 3, "Changed").head;
    let empty = Commit::note_only(&a, head, b"done");
    let saved = block_on(store.save(&empty)).unwrap();
    assert_eq!(ready(&mut category), ["4.0".to_owned(), format!("<{}>", saved.position)]);
    assert_eq!(ready(&mut one), ["<5.0>"]);
    assert_eq!(ready(&mut types), ["4.0", "<5.0>"]);
    let mut resumed = subscribe(&store, Some(saved.position), EventFilter::all());
    assert_eq!(ready(&mut resumed), ["caught up"], "what was passed does not go by again");
}

#[test]
fn long_stretches_that_do_not_match_are_told_on_the_way() {
    let store = MemoryEventStore::new();
    let a = actor("a-1");
    for version in 1..=2500 {
        block_on(store.save_event(&event(&a, version, "A"))).unwrap();
    }
    let mut none = subscribe(&store, SubscribeFrom::Start, EventFilter::category("b"));
    let mut told = Vec::new();
    // Its turns are over now and then.
    while told.last().is_none_or(|last| last != "caught up") {
        told.extend(ready(&mut none));
    }
    assert_eq!(told, ["<1024.0>", "<2048.0>", "<2500.0>", "caught up"]);
}

#[test]
fn a_reader_that_falls_behind_is_told_once_until_it_has_caught_up() {
    let store = MemoryEventStore::new();
    let a = actor("a-1");
    let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all());
    assert_eq!(ready(&mut subscription), ["caught up"]);
    for version in 1..=3000 {
        block_on(store.save_event(&event(&a, version, "A"))).unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 3002 {
        seen.extend(ready(&mut subscription));
    }
    assert_eq!((seen[0].as_str(), seen[1].as_str()), ("fell behind", "1.0"));
    assert_eq!((seen[3000].as_str(), seen[3001].as_str()), ("3000.0", "caught up"));
    save(&store, "a-1", 3001, "A");
    assert_eq!(ready(&mut subscription), ["3001.0"]);
}

/// Writers and readers meet at the end of the log all the time: a save that a reader does not see before it goes to sleep
/// must wake it. One that is missed leaves the reader asleep for ever, since the last save of a round is the last.
#[test]
fn a_reader_that_goes_to_sleep_is_woken_by_the_save_that_it_has_not_seen() {
    const ROUNDS: u64 = 2_000;
    const WRITERS: u64 = 2;
    let (done, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let store = MemoryEventStore::new();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let mut subscription = subscribe(&store, SubscribeFrom::Now, EventFilter::all());
                let (seen, told) = std::sync::mpsc::channel();
                let reader = thread::spawn(move || {
                    block_on(async {
                        let mut count = 0;
                        while count < ROUNDS * WRITERS {
                            if let Delivery::Event(event) = subscription.next().await.unwrap().unwrap() {
                                count += 1;
                                seen.send(event.position).unwrap();
                            }
                        }
                    });
                });
                (reader, told)
            })
            .collect();
        for round in 1..=ROUNDS {
            thread::scope(|scope| {
                for writer in 0..WRITERS {
                    let store = &store;
                    scope.spawn(move || save(store, &format!("w-{writer}"), round, "A"));
                }
            });
            // Nothing is saved until the readers have seen all of it, and are about to sleep.
            for (_, told) in &readers {
                for nth in 1..=WRITERS {
                    let expected = Position::new((round - 1) * WRITERS + nth, 0);
                    assert_eq!(told.recv().unwrap(), expected);
                }
            }
        }
        readers.into_iter().for_each(|(reader, _)| reader.join().unwrap());
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}

#[test]
fn readers_beside_writers_see_everything_once_and_in_order() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 3_000;
    let store = MemoryEventStore::new();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for version in 1..=EACH {
                    save(store, &format!("w-{writer}"), version, "A");
                }
            });
        }
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut subscription = subscribe(&store, SubscribeFrom::Start, EventFilter::all());
                scope.spawn(move || {
                    let mut versions: HashMap<ActorId, u64> = HashMap::new();
                    let (mut count, mut last) = (0, None);
                    while count < WRITERS * EACH {
                        let Delivery::Event(event) = block_on(subscription.next()).unwrap().unwrap() else {
                            continue;
                        };
                        assert!(last.is_none_or(|last| last < event.position));
                        last = Some(event.position);
                        let version = versions.entry(event.actor().clone()).or_default();
                        *version += 1;
                        assert_eq!(*version, event.version().get());
                        count += 1;
                    }
                })
            })
            .collect();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}
