//! Rules of timers: setting them, and their ids.

pub(crate) mod setting_timers {
    //! Setting timers, replacing and cancelling them.

    use crate::store::support::{Alarm, OrFail, actor, after_ms, sorted, timer, timer_id};
    use crate::store::{Fixture, StorageOptions};
    use aether_core::{Timer, TimerError, Unsupported};
    use std::time::Duration;
    use time::OffsetDateTime;
    use time::macros::datetime;

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
            assert!(
                came.payload == sent.payload,
                "{} bytes of payload came back changed",
                sent.payload.len()
            );
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
}

pub(crate) mod timer_ids {
    //! The ids of timers: whatever they look like, none is mixed up with another.

    use crate::store::support::{Alarm, Listener, OrFail, actor, after_ms, sorted, timer, timer_id};
    use crate::store::{Fixture, StorageOptions};
    use aether_core::{ActorId, Namespace, Timer, TimerId};
    use time::OffsetDateTime;

    fn ids() -> Vec<TimerId> {
        let long = "x".repeat(ActorId::MAX_ENCODED - "order.".len() - 1);
        let actors: Vec<String> = [
            "order",
            "order-",
            "-order",
            "order-1",
            "order-1.t",
            "order-*",
            "order->",
            "*",
            ">",
            "order-a b",
            "order-a%2Eb",
            "订单-一",
            "order-\u{e9}",
            "order-e\u{301}",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("order-{long}a"), format!("order-{long}b")])
        .collect();
        let long = "y".repeat(TimerId::MAX_ENCODED_NAME - 1);
        let names = [
            "t", "T", "*", ">", ".", "t.t", " ", "\r\n", "~", "~~", "=", "%", "%2E", "\u{e9}", "e\u{301}",
            "\0",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("{long}a"), format!("{long}b")]);
        let of_one = names.map(|name| timer_id(&actor("order-1"), &name));
        let of_each = actors.iter().flat_map(|of| ["t", "*", "1.t"].map(|name| timer_id(&actor(of), name)));
        let mut ids: Vec<TimerId> = of_one.chain(of_each).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Sees to it that exactly these timers come.
    async fn expect(listener: &mut Listener, alarm: &Alarm, expected: Vec<Timer>) {
        let at = expected.iter().map(|timer| timer.at).max().or_fail("finding the last timer");
        let came = alarm.until_well_after(listener, at).await;
        let expected = sorted(expected);
        let (came_ids, ids): (Vec<_>, Vec<_>) =
            (came.iter().map(|timer| &timer.id).collect(), expected.iter().map(|timer| &timer.id).collect());
        assert_eq!(came_ids, ids, "other timers came than were set");
        assert_eq!(came, expected);
    }

    pub(crate) async fn are_each_their_own(fixture: &dyn Fixture) {
        let alarm = Alarm::open(fixture).await;
        let mut listener = alarm.listen().await;
        let set = |at: OffsetDateTime| {
            let with_payload = move |id: TimerId| {
                let payload = format!("{id}");
                Timer::new(id, at, payload).or_fail("making a timer")
            };
            ids().into_iter().map(with_payload).collect::<Vec<Timer>>()
        };
        let past = set(OffsetDateTime::UNIX_EPOCH);
        for timer in &past {
            alarm.set(timer).await;
        }
        expect(&mut listener, &alarm, past).await;
        // Nor does replacing or cancelling one touch any other.
        let mut kept = set(after_ms(3000));
        for timer in &kept {
            alarm.set(timer).await;
        }
        let mut odd = false;
        let mut cancelled = Vec::new();
        kept.retain(|timer| {
            odd = !odd;
            if odd {
                cancelled.push(timer.id.clone());
            }
            !odd
        });
        for id in &cancelled {
            alarm.cancel(id).await;
        }
        assert!(OffsetDateTime::now_utc() < kept[0].at, "the store is too slow for this rule");
        expect(&mut listener, &alarm, kept).await;
    }

    pub(crate) async fn of_namespaces_are_apart(fixture: &dyn Fixture) {
        let storage = fixture.storage(StorageOptions::default()).await.or_fail("opening a fresh storage");
        let mut opened = Vec::new();
        for (name, stream) in [("a", "events"), ("b", "events"), ("a", "audit")] {
            let namespace = Namespace::new(name).or_fail("making a namespace");
            let timers = storage.open_namespaced_timers(&namespace, stream).await;
            let timers = timers.or_fail("opening the timers of a namespace");
            let due = timers.due().await.or_fail("listening for timers");
            let sent = timer("order-1", "t", OffsetDateTime::UNIX_EPOCH);
            let sent = Timer::new(sent.id, sent.at, format!("{stream} of {name}")).or_fail("making a timer");
            timers.set(&sent).await.or_fail("setting a timer");
            opened.push((Listener::new(due, fixture.patience()), sent));
        }
        for (listener, sent) in &mut opened {
            assert_eq!(listener.take().await, *sent, "the timer of another namespace came");
        }
    }
}
