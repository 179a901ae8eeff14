//! Many writers of one key.

use std::sync::Arc;

use aether_coordination::{Condition, Coordination, Key, Revision};

use crate::conformance::place::Place;

const WRITERS: usize = 8;
const ROUNDS: usize = 12;

/// Handles that share two connections, so that writers meet each other inside and outside of one.
async fn writers(place: &Place) -> Vec<Arc<dyn Coordination>> {
    let (one, two) = (place.open().await, place.open().await);
    (0..WRITERS).map(|i| Arc::clone(if i % 2 == 0 { &one } else { &two })).collect()
}

/// Lets all write at once and gives the revisions of those that won.
async fn race(writers: &[Arc<dyn Coordination>], key: &Key, condition: Condition) -> Vec<(usize, Revision)> {
    let race = writers.iter().enumerate().map(|(i, writer)| {
        let (writer, key) = (Arc::clone(writer), key.clone());
        tokio::spawn(async move {
            match writer.put(&key, i.to_string().into(), condition).await {
                Ok(revision) => Some((i, revision)),
                Err(e) => {
                    assert!(e.is_conflict(), "{e:?}");
                    None
                }
            }
        })
    });
    let mut won = Vec::new();
    for writer in race.collect::<Vec<_>>() {
        won.extend(writer.await.unwrap());
    }
    won
}

pub(crate) async fn one_of_many_writers_wins_each_round(place: &Place) {
    let writers = writers(place).await;
    let key = Key::root("race");
    let mut condition = Condition::Absent;
    for round in 0..ROUNDS {
        let won = race(&writers, &key, condition).await;
        let [(winner, revision)] = won[..] else { panic!("round {round}: {won:?}") };
        let found = writers[round % WRITERS].get(&key).await.unwrap().unwrap();
        assert_eq!((found.value, found.revision), (winner.to_string().into(), revision));
        condition = Condition::At(revision);
    }
}

pub(crate) async fn one_of_many_creates_and_deletes(place: &Place) {
    let writers = writers(place).await;
    let key = Key::root("race");
    for round in 0..ROUNDS {
        let won = race(&writers, &key, Condition::Absent).await;
        let [(_, revision)] = won[..] else { panic!("round {round}: {won:?}") };
        let deletes = writers.iter().map(|writer| {
            let (writer, key) = (Arc::clone(writer), key.clone());
            tokio::spawn(async move { writer.delete(&key, revision).await })
        });
        let mut deleted = 0;
        for delete in deletes.collect::<Vec<_>>() {
            match delete.await.unwrap() {
                Ok(()) => deleted += 1,
                Err(e) => assert!(e.is_conflict(), "{e:?}"),
            }
        }
        assert_eq!(deleted, 1, "round {round}");
    }
}

pub(crate) async fn counters_lose_nothing(place: &Place) {
    const EACH: usize = 10;
    let writers = writers(place).await;
    let key = Key::root("counter");
    let tasks = writers.iter().map(|writer| {
        let (writer, key) = (Arc::clone(writer), key.clone());
        tokio::spawn(async move {
            for _ in 0..EACH {
                loop {
                    let found = writer.get(&key).await.unwrap();
                    let count: usize = found
                        .as_ref()
                        .map_or(0, |found| std::str::from_utf8(&found.value).unwrap().parse().unwrap());
                    let condition = found.map(|found| found.revision).into();
                    match writer.put(&key, (count + 1).to_string().into(), condition).await {
                        Ok(_) => break,
                        Err(e) => assert!(e.is_conflict(), "{e:?}"),
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let found = writers[0].get(&key).await.unwrap().unwrap();
    assert_eq!(found.value, (WRITERS * EACH).to_string());
}
