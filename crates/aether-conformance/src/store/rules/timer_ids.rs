//! The ids of timers: whatever they look like, none is mixed up with another.

use aether_core::{ActorId, Namespace, Timer, TimerId};
use time::OffsetDateTime;

use crate::store::support::{Alarm, Listener, OrFail, actor, after_ms, sorted, timer, timer_id};
use crate::store::{Fixture, StorageOptions};

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
    let names =
        ["t", "T", "*", ">", ".", "t.t", " ", "\r\n", "~", "~~", "=", "%", "%2E", "\u{e9}", "e\u{301}", "\0"]
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
