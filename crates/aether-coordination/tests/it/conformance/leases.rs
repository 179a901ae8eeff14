//! Keys with a time to live.

use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Key, Leases};
use tokio::time::{Instant, sleep};

use crate::conformance::keys::current;
use crate::conformance::place::Place;

const SECOND: Duration = Duration::from_secs(1);

fn key() -> Key {
    Key::root("leases").child("a b")
}

/// Waits until the key has expired, and gives how long that took.
async fn expired(place: &dyn Leases, key: &Key) -> Duration {
    let started = Instant::now();
    while place.get(key).await.unwrap().is_some() {
        assert!(started.elapsed() < SECOND * 8, "the key is immortal");
        sleep(Duration::from_millis(20)).await;
    }
    started.elapsed()
}

pub(crate) async fn a_lease_expires_whatever_was_there_before(place: &Place) {
    let one = place.leases().await;
    let key = key();
    let mut last = None;
    let lease = async |condition: Condition| one.lease(&key, "1".into(), condition, SECOND).await.unwrap();
    // Nothing was there; then what has expired, a deleted key, one that stays, and a lease.
    for before in ["nothing", "an expired one", "a deleted one", "one that stays", "a lease"] {
        let condition = match before {
            "a deleted one" => {
                let revision = one.put(&key, "0".into(), Condition::Absent).await.unwrap();
                one.delete(&key, revision).await.unwrap();
                Condition::Absent
            }
            "one that stays" => Condition::At(one.put(&key, "0".into(), Condition::Absent).await.unwrap()),
            "a lease" => Condition::At(lease(Condition::Absent).await),
            _ => Condition::Absent,
        };
        let begun = Instant::now();
        let revision = lease(condition).await;
        assert!(last < Some(revision), "over {before}");
        last = Some(revision);
        expired(&*one, &key).await;
        assert!(begun.elapsed() >= SECOND, "over {before}: {:?}", begun.elapsed());
        assert_eq!(current(one.lease(&key, "x".into(), Condition::At(revision), SECOND).await, &key), None);
        assert_eq!(one.entries(&Key::root("leases")).await.unwrap(), []);
    }
}

pub(crate) async fn a_lease_that_is_renewed_is_kept(place: &Place) {
    let one = place.leases().await;
    let key = key();
    let (started, ttl) = (Instant::now(), SECOND * 2);
    let mut revision = one.lease(&key, "0".into(), Condition::Absent, ttl).await.unwrap();
    while started.elapsed() < ttl * 2 {
        let next = one.lease(&key, "1".into(), Condition::At(revision), ttl).await.unwrap();
        assert!(next > revision);
        revision = next;
        sleep(SECOND / 2).await;
    }
    let left = expired(&*one, &key).await;
    assert!(left > SECOND, "{left:?}");
}

pub(crate) async fn a_put_over_a_lease_stays(place: &Place) {
    let one = place.leases().await;
    let key = key();
    let lease = one.lease(&key, "1".into(), Condition::Absent, SECOND).await.unwrap();
    let stays = one.put(&key, "2".into(), Condition::At(lease)).await.unwrap();
    sleep(SECOND * 3).await;
    assert_eq!(one.get(&key).await.unwrap().unwrap().revision, stays);
}

pub(crate) async fn a_lease_is_written_by_compare_and_set(place: &Place) {
    let (one, two) = (place.leases().await, place.leases().await);
    one.check_leases().await.unwrap();
    let (key, ttl) = (key(), SECOND * 20);
    let first = one.lease(&key, "1".into(), Condition::Absent, ttl).await.unwrap();
    assert_eq!(current(two.lease(&key, "x".into(), Condition::Absent, ttl).await, &key), Some(first));
    let second = two.lease(&key, "2".into(), Condition::At(first), ttl).await.unwrap();
    assert_eq!(current(one.lease(&key, "x".into(), Condition::At(first), ttl).await, &key), Some(second));
    assert_eq!(one.get(&key).await.unwrap().unwrap().value, "2");
    one.delete(&key, second).await.unwrap();
    assert_eq!(two.get(&key).await.unwrap(), None);
}

pub(crate) async fn a_lease_of_parts_of_a_second_is_refused(place: &Place) {
    let one = place.leases().await;
    for ttl in [Duration::ZERO, SECOND / 2, SECOND * 3 / 2] {
        let refused = one.lease(&key(), "1".into(), Condition::Absent, ttl).await.unwrap_err();
        assert!(
            matches!(&refused, CoordinationError::Refused(why) if why.contains("whole seconds")),
            "{refused}"
        );
    }
    assert_eq!(one.get(&key()).await.unwrap(), None);
}
