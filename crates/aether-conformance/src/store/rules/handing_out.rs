//! Timers that are due: who gets them, and how often.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use aether_core::{Timer, TimerId};
use futures_util::future::{Either, join, join_all, select};
use futures_util::{StreamExt, stream};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::store::Fixture;
use crate::store::support::{Alarm, OrFail, after_ms, timer};

pub(crate) async fn unacknowledged_come_again(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let sent = timer("order-1", "t", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&sent).await;
    for attempt in 1..=2 {
        let due = listener.next().await;
        assert_eq!((due.timer(), due.attempt()), (&sent, attempt));
    }
    assert_eq!(listener.take().await, sent);
}

pub(crate) async fn acknowledged_do_not_come_again(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    for name in ["a", "b", "c"] {
        let sent = timer("order-1", name, OffsetDateTime::UNIX_EPOCH);
        alarm.set(&sent).await;
        assert_eq!(listener.take().await, sent);
    }
    let later = OffsetDateTime::now_utc() + alarm.again();
    let came = alarm.until_well_after(&mut listener, later).await;
    assert!(came.is_empty(), "acknowledged and came again: {came:?}");
}

pub(crate) async fn given_back_come_later(fixture: &dyn Fixture) {
    const WAIT: Duration = Duration::from_millis(1500);
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let sent = timer("order-1", "given back", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&sent).await;
    let due = listener.next().await;
    let given = OffsetDateTime::now_utc();
    due.again(WAIT).await.or_fail("giving a timer back");
    let other = timer("order-1", "other", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&other).await;
    assert_eq!(listener.take().await, other, "one that was given back held up another");
    let due = listener.next().await;
    let waited = OffsetDateTime::now_utc() - given;
    assert_eq!((due.timer(), due.attempt()), (&sent, 2));
    assert!(waited >= WAIT, "given back for {WAIT:?}, it came after {waited}");
    // And it can be given back once more, for no time at all.
    due.again(Duration::ZERO).await.or_fail("giving a timer back");
    let due = listener.next().await;
    assert_eq!((due.timer(), due.attempt()), (&sent, 3));
    due.done().await.or_fail("acknowledging it");
}

pub(crate) async fn go_to_one_of_several(fixture: &dyn Fixture) {
    const LISTENERS: usize = 3;
    const TIMERS: usize = 60;
    let alarm = Alarm::open(fixture).await;
    let (over, _) = watch::channel(false);
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        let mut listener = alarm.listen_to(&alarm.another().await).await;
        let (over, mut is_over) = (over.clone(), over.subscribe());
        listeners.push(tokio::spawn(async move {
            let mut came = Vec::new();
            loop {
                let next = pin!(listener.take());
                match select(next, pin!(is_over.wait_for(|over| *over))).await {
                    Either::Left((mark, _)) if mark.id.name() == "mark" => {
                        over.send_replace(true);
                    }
                    Either::Left((timer, _)) => came.push(timer.id),
                    Either::Right(_) => return came,
                }
            }
        }));
    }
    for n in 0..TIMERS {
        alarm.set(&timer("order-1", &format!("t{n}"), OffsetDateTime::UNIX_EPOCH)).await;
    }
    alarm.set(&timer("order-1", "mark", OffsetDateTime::now_utc() + alarm.again())).await;
    let mut came: BTreeMap<TimerId, usize> = BTreeMap::new();
    for listener in join_all(listeners).await {
        for id in listener.or_fail("a listener") {
            *came.entry(id).or_default() += 1;
        }
    }
    assert_eq!(came.len(), TIMERS, "not all timers came");
    assert!(came.values().all(|times| *times == 1), "one came to several: {came:?}");
}

pub(crate) async fn wait_for_a_listener(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut early = alarm.listen().await;
    let first = timer("order-1", "first", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&first).await;
    assert_eq!(early.take().await, first);
    drop(early);
    let unheard = [
        timer("order-1", "past", OffsetDateTime::UNIX_EPOCH),
        timer("order-2", "now", OffsetDateTime::now_utc()),
        timer("order-3", "soon", after_ms(200)),
    ];
    for timer in &unheard {
        alarm.set(timer).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let came = alarm.listen().await.take_all(3).await;
    assert!(unheard.iter().all(|timer| came.contains_key(&timer.id)), "{came:?}");
}

pub(crate) async fn outlive_their_listener(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let (mut leaving, mut waiting) = (alarm.listen().await, alarm.listen().await);
    let first = timer("order-1", "first", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&first).await;
    let held = leaving.next().await;
    // It waits for the next one when it leaves.
    assert!(leaving.next_within(Duration::from_millis(50)).await.is_none());
    assert!(waiting.next_within(Duration::from_millis(50)).await.is_none());
    drop(leaving);
    let second = timer("order-1", "second", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&second).await;
    assert_eq!(waiting.take().await, second);
    held.done().await.or_fail("acknowledging a timer when its listener has left");
    let later = OffsetDateTime::now_utc() + alarm.again();
    let came = alarm.until_well_after(&mut waiting, later).await;
    assert!(came.is_empty(), "acknowledged after its listener had left, and came again: {came:?}");
}

pub(crate) async fn a_thousand_come(fixture: &dyn Fixture) {
    const TIMERS: u64 = 1000;
    let alarm = Alarm::open(fixture).await;
    let start = after_ms(500);
    let timers = (0..TIMERS)
        .map(|n| timer(&format!("order-{}", n % 100), &format!("t{n}"), start + Duration::from_millis(n)));
    let timers: Vec<Timer> = timers.collect();
    let setting = stream::iter(&timers).for_each_concurrent(32, |timer| alarm.set(timer));
    let mut listener = alarm.listen().await;
    let listening = async {
        let mut came: BTreeMap<TimerId, usize> = BTreeMap::new();
        while came.len() < timers.len() {
            *came.entry(listener.take().await.id).or_default() += 1;
        }
        came
    };
    let ((), came) = join(setting, listening).await;
    assert!(timers.iter().all(|timer| came.get(&timer.id) == Some(&1)), "one came twice");
    let more = alarm.until_well_after(&mut listener, start).await;
    assert!(more.is_empty(), "these came twice: {more:?}");
}
