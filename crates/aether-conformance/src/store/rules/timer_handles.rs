//! Timers through several handles on one storage.

use std::time::Duration;

use time::OffsetDateTime;

use crate::store::Fixture;
use crate::store::support::{Alarm, OrFail, after_ms, timer};

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
