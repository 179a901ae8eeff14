//! Rules of timers that are due: handing them out, through several handles and over outages.

pub(crate) mod handing_out {
    //! Timers that are due: who gets them, and how often.

    use crate::store::Fixture;
    use crate::store::support::{Alarm, OrFail, after_ms, timer};
    use aether_core::{Timer, TimerId};
    use futures_util::future::{Either, join, join_all, select};
    use futures_util::{StreamExt, stream};
    use std::collections::BTreeMap;
    use std::pin::pin;
    use std::time::Duration;
    use time::OffsetDateTime;
    use tokio::sync::watch;

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
        let timers = (0..TIMERS).map(|n| {
            timer(&format!("order-{}", n % 100), &format!("t{n}"), start + Duration::from_millis(n))
        });
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
}

pub(crate) mod timer_handles {
    //! Timers through several handles on one storage.

    use crate::store::Fixture;
    use crate::store::support::{Alarm, OrFail, after_ms, timer};
    use std::time::Duration;
    use time::OffsetDateTime;

    pub(crate) async fn see_each_other(fixture: &dyn Fixture) {
        let alarm = Alarm::open(fixture).await;
        let (second, third) = (alarm.another().await, alarm.another().await);
        let mut listener = alarm.listen_to(&third).await;
        let (soon, later) = (after_ms(1000), after_ms(1500));
        let [told, cancelled] = ["told", "cancelled"].map(|name| timer("order-1", name, soon));
        for timer in [&told, &cancelled, &timer("order-1", "replaced", soon)] {
            alarm.set(timer).await;
        }
        let replaced = timer("order-1", "replaced", later);
        second.set(&replaced).await.or_fail("replacing another handle's timer");
        third.cancel(&cancelled.id).await.or_fail("cancelling another handle's timer");
        assert!(OffsetDateTime::now_utc() < soon, "the store is too slow for this rule");
        let came = alarm.until_well_after(&mut listener, later).await;
        assert_eq!(came, [replaced, told]);
    }

    pub(crate) async fn opened_again_find_everything(fixture: &dyn Fixture) {
        let alarm = Alarm::open(fixture).await;
        let [past, soon, later, held] = [
            timer("order-1", "past", OffsetDateTime::UNIX_EPOCH),
            timer("order-1", "soon", after_ms(300)),
            timer("order-1", "later", after_ms(2000)),
            timer("order-1", "held", OffsetDateTime::UNIX_EPOCH),
        ];
        alarm.set(&held).await;
        let mut listener = alarm.listen().await;
        let due = listener.next().await;
        assert_eq!(due.timer(), &held);
        drop((due, listener));
        for timer in [&past, &soon, &later] {
            alarm.set(timer).await;
        }
        let alarm = alarm.closed_for(Duration::from_millis(500)).await;
        let came = alarm.listen().await.take_all(4).await;
        assert!([past, soon, later, held].iter().all(|timer| came.contains_key(&timer.id)), "{came:?}");
    }
}

pub(crate) mod timer_outages {
    //! Timers while the store cannot be reached, and when it has been restarted: each comes at least once.

    use crate::store::Fixture;
    use crate::store::support::{Alarm, Listener, OrFail, after_ms, timer};
    use aether_core::{Timer, TimerId};
    use futures_util::future::join_all;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;
    use time::OffsetDateTime;

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
        assert!(
            listeners[0].next_within(Duration::from_secs(1)).await.is_none(),
            "told while it was cut off"
        );
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
}
