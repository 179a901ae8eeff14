//! Setting timers, replacing and cancelling them.

use std::time::Duration;

use aether_core::{Timer, TimerError, Unsupported};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::store::support::{Alarm, OrFail, actor, after_ms, sorted, timer, timer_id};
use crate::store::{Fixture, StorageOptions};

pub(crate) async fn come_when_they_are_due(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let timers: Vec<Timer> =
        (1..=5).map(|n| timer("order-1", &format!("t{n}"), after_ms(n * 200 + 1))).collect();
    for timer in timers.iter().rev() {
        alarm.set(timer).await;
    }
    // A listener fails the rule if one comes before its time.
    let came = alarm.until_well_after(&mut listener, timers[4].at).await;
    assert_eq!(came, timers, "five timers came otherwise than they were set");
}

pub(crate) async fn of_the_past_come_at_once(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let now = OffsetDateTime::now_utc();
    let times = [
        now,
        now - Duration::from_secs(1),
        now - Duration::from_secs(365 * 24 * 3600),
        OffsetDateTime::UNIX_EPOCH,
        datetime!(0001-01-01 0:00 UTC),
        datetime!(-9999-01-01 0:00 UTC),
    ];
    for at in times {
        let past = timer("order-1", "past", at);
        alarm.set(&past).await;
        assert_eq!(listener.take().await, past);
    }
}

pub(crate) async fn come_back_unchanged(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let payloads = [
        Vec::new(),
        b"\r\n".to_vec(),
        br#"{"a": 1.50}"#.to_vec(),
        every_byte.clone(),
        every_byte.repeat(500),
    ];
    let at = datetime!(2020-02-29 23:59:59.123456789 UTC);
    for payload in payloads {
        let sent = Timer::new(timer_id(&actor("order-1"), "t"), at, payload).or_fail("making a timer");
        alarm.set(&sent).await;
        let came = listener.take().await;
        assert_eq!((&came.id, came.at), (&sent.id, sent.at));
        assert!(came.payload == sent.payload, "{} bytes of payload came back changed", sent.payload.len());
    }
}

pub(crate) async fn replaced_come_as_the_last_was_set(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let hour = Duration::from_secs(3600);
    let (soon, later) = (after_ms(1000), after_ms(2000));
    let replaced = [("sooner", later + hour, later), ("later", soon, later), ("other", later, later)];
    let mut expected = Vec::new();
    for (name, first, last) in replaced {
        let mut old = timer("order-1", name, first);
        alarm.set(&old).await;
        old.payload = "replaced".into();
        alarm.set(&old).await;
        expected.push(timer("order-1", name, last));
    }
    for timer in &expected {
        alarm.set(timer).await;
    }
    assert!(OffsetDateTime::now_utc() < soon, "the store is too slow for this rule");
    let came = alarm.until_well_after(&mut listener, later).await;
    assert_eq!(came, sorted(expected), "not what was set last");
}

pub(crate) async fn that_are_due_are_replaced(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let names = ["a", "b", "c"];
    for name in names {
        alarm.set(&timer("order-1", name, OffsetDateTime::UNIX_EPOCH)).await;
    }
    // Whether the store has noticed by now or not: nobody has been told.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let at = after_ms(500);
    let expected: Vec<Timer> = names.iter().map(|name| timer("order-1", name, at)).collect();
    for timer in &expected {
        alarm.set(timer).await;
    }
    let mut listener = alarm.listen().await;
    let came = alarm.until_well_after(&mut listener, at).await;
    assert_eq!(came, expected, "a timer that was due and replaced came");
}

pub(crate) async fn cancelled_do_not_come(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let at = after_ms(1500);
    let [cancelled, kept, set_again] =
        ["cancelled", "kept", "set again"].map(|name| timer("order-1", name, at));
    for timer in [&cancelled, &kept, &set_again] {
        alarm.set(timer).await;
    }
    alarm.cancel(&cancelled.id).await;
    alarm.cancel(&set_again.id).await;
    alarm.set(&set_again).await;
    assert!(OffsetDateTime::now_utc() < at, "the store is too slow for this rule");
    let came = alarm.until_well_after(&mut listener, at).await;
    assert_eq!(came, [kept, set_again]);
}

pub(crate) async fn that_are_not_set_are_cancelled(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let never = timer_id(&actor("order-1"), "never");
    alarm.cancel(&never).await;
    let done = timer("order-1", "done", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&done).await;
    assert_eq!(listener.take().await, done);
    alarm.cancel(&done.id).await;
    alarm.cancel(&done.id).await;
    // And none of that keeps a timer from being set.
    alarm.set(&done).await;
    assert_eq!(listener.take().await, done);
}

pub(crate) async fn set_twice_come_once(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let (again, at) = (alarm.another().await, after_ms(1500));
    let twice: Vec<Timer> = (0..3).map(|n| timer("order-1", &format!("t{n}"), at)).collect();
    for timer in twice.iter().chain(&twice) {
        alarm.set(timer).await;
        again.set(timer).await.or_fail("setting it through another handle");
    }
    assert!(OffsetDateTime::now_utc() < at, "the store is too slow for this rule");
    let came = alarm.until_well_after(&mut listener, at).await;
    assert_eq!(came, twice);
}

pub(crate) async fn acknowledged_are_set_anew(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let timer = timer("order-1", "t", OffsetDateTime::UNIX_EPOCH);
    for _ in 0..3 {
        alarm.set(&timer).await;
        assert_eq!(listener.take().await, timer);
    }
}

pub(crate) async fn too_large_are_refused(fixture: &dyn Fixture) {
    let alarm = Alarm::open(fixture).await;
    let mut listener = alarm.listen().await;
    let id = timer_id(&actor("order-1"), "large");
    let large = Timer::new(id, OffsetDateTime::UNIX_EPOCH, vec![b'x'; fixture.too_large()]);
    match alarm.timers().set(&large.or_fail("making a large timer")).await {
        Err(TimerError::TooLarge { size, limit }) => assert!(size > limit, "{size} is within {limit}"),
        other => panic!("a payload of {} bytes was answered with {other:?}", fixture.too_large()),
    }
    let small = timer("order-1", "small", OffsetDateTime::UNIX_EPOCH);
    alarm.set(&small).await;
    assert_eq!(listener.take().await, small);
}

pub(crate) async fn unsupported_are_refused_as_such(fixture: &dyn Fixture) {
    let storage = fixture.storage(StorageOptions::default()).await.or_fail("opening a fresh storage");
    match storage.open_timers().await {
        Err(error) if error.is::<Unsupported>() => {}
        Err(error) => panic!("timers that are not there were refused with: {error}"),
        Ok(timers) => panic!("timers that are not there were opened: {timers:?}"),
    }
}
