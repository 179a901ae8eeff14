//! Timers while the store cannot be reached, and when it has been restarted: each comes at least once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aether_core::{Timer, TimerId};
use futures_util::future::join_all;
use time::OffsetDateTime;

use crate::store::Fixture;
use crate::store::support::{Alarm, Listener, OrFail, after_ms, timer};

/// How long somebody waits before trying again.
const RETRY: Duration = Duration::from_millis(20);

/// Takes timers until all of these have come; an acknowledgement may fail, and the timer come again.
async fn until_all(listener: &mut Listener, timers: &[Timer]) {
    let mut missing: BTreeSet<&TimerId> = timers.iter().map(|timer| &timer.id).collect();
    while !missing.is_empty() {
        let due = listener.next().await;
        missing.remove(&due.timer().id);
        // At least once is what is promised.
        let _ = due.done().await;
    }
}

pub(crate) async fn lose_nothing_that_waits(fixture: &dyn Fixture) {
    let alarm = Alarm::open_for_outages(fixture).await;
    let mut listener = alarm.listen().await;
    let first = timer("order-1", "first", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&first).await;
    let held = listener.next().await;
    let start = OffsetDateTime::now_utc();
    // Some come due before the restart, some during it and some after it.
    let at = |n: u64| start + Duration::from_millis(n * 500);
    let timers: Vec<Timer> = (1..=20).map(|n| timer("order-1", &format!("t{n}"), at(n))).collect();
    for timer in &timers {
        alarm.set(timer).await;
    }
    let cancelled = timer("order-1", "cancelled", at(20));
    alarm.set(&cancelled).await;
    alarm.cancel(&cancelled.id).await;
    drop(held);
    alarm.storage().restart().await.or_fail("restarting the storage");
    let all: Vec<Timer> = timers.into_iter().chain([first]).collect();
    until_all(&mut listener, &all).await;
    let came = alarm.until_well_after(&mut listener, at(20)).await;
    assert!(came.iter().all(|timer| timer.id != cancelled.id), "a cancelled timer came");
}

pub(crate) async fn lose_nothing_for_a_listener(fixture: &dyn Fixture) {
    let alarm = Alarm::open_for_outages(fixture).await;
    let mut listeners = vec![alarm.listen().await, alarm.listen().await];
    let first = timer("order-1", "first", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&first).await;
    // One of them waits when it is cut off, the other one has not been read at all.
    until_all(&mut listeners[0], &[first]).await;
    alarm.storage().cut_off().await.or_fail("cutting off the handles");
    let (setter, mut timers) = (alarm.another().await, Vec::new());
    for n in 0..40 {
        let timer = timer("order-1", &format!("t{n}"), after_ms(n * 20));
        setter.set(&timer).await.or_fail("setting a timer through a handle that is not cut off");
        timers.push(timer);
    }
    assert!(listeners[0].next_within(Duration::from_secs(1)).await.is_none(), "told while it was cut off");
    alarm.storage().reconnect().await.or_fail("reconnecting the handles");
    until_all(&mut listeners[0], &timers).await;
    drop(listeners.remove(0));
    let last = timer("order-1", "last", OffsetDateTime::UNIX_EPOCH);
    setter.set(&last).await.or_fail("setting the last timer");
    until_all(&mut listeners[0], &[last]).await;
}

pub(crate) async fn lose_nothing_that_is_set(fixture: &dyn Fixture) {
    const SETTERS: usize = 3;
    let alarm = Alarm::open_for_outages(fixture).await;
    let (count, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut setters = Vec::new();
    for setter in 0..SETTERS {
        let (timers, count, stop) = (alarm.another().await, count.clone(), stop.clone());
        setters.push(tokio::spawn(async move {
            let mut set = Vec::new();
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let timer = timer(&format!("order-{setter}"), &format!("t{n}"), after_ms(n % 7 * 100));
                while let Err(error) = timers.set(&timer).await {
                    assert!(error.is_retryable(), "setting through an outage: {error}");
                    tokio::time::sleep(RETRY).await;
                }
                set.push(timer);
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            set
        }));
    }
    let more = async |timers: usize| {
        let goal = count.load(Ordering::SeqCst) + timers;
        while count.load(Ordering::SeqCst) < goal {
            tokio::time::sleep(RETRY).await;
        }
    };
    let mut listener = alarm.listen().await;
    let is_over = stop.clone();
    let listening = tokio::spawn(async move {
        let mut came = BTreeSet::new();
        while !is_over.load(Ordering::SeqCst) {
            let Some(due) = listener.next_within(RETRY).await else { continue };
            came.insert(due.timer().id.clone());
            // At least once is what is promised.
            let _ = due.done().await;
        }
        (listener, came)
    });
    more(20).await;
    alarm.storage().restart().await.or_fail("restarting the storage");
    more(20).await;
    stop.store(true, Ordering::SeqCst);
    let mut set = Vec::new();
    for setter in join_all(setters).await {
        set.extend(setter.or_fail("a setter"));
    }
    let (mut listener, came) = listening.await.or_fail("the listener");
    set.retain(|timer| !came.contains(&timer.id));
    until_all(&mut listener, &set).await;
}
