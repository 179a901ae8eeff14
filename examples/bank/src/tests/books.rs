//! The judge sees what is wrong.

use std::sync::Arc;

use aether::actor::Store;
use aether::event::encode;
use aether::memory::MemoryEventStore;
use aether::{ActorId, Event, EventStoreExt, Version};

use crate::account::AccountEvent;
use crate::audit::Books;

async fn complaints(events: impl IntoIterator<Item = AccountEvent>) -> Vec<String> {
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let ada = ActorId::new("account-ada").unwrap();
    for (version, event) in (1..).zip(events) {
        let (event_type, payload) = encode(&event).unwrap();
        let event = Event::builder(&ada, Version::new(version), event_type).payload(payload);
        store.save_event(&event.build().unwrap()).await.unwrap();
    }
    Books::read(&*store).await.unwrap().complaints()
}

fn deposited() -> AccountEvent {
    AccountEvent::Deposited { cents: 100 }
}

fn debited() -> AccountEvent {
    AccountEvent::Debited { transfer: "7".into(), cents: 30 }
}

fn credited() -> AccountEvent {
    AccountEvent::Credited { transfer: "7".into(), cents: 30 }
}

#[tokio::test]
async fn what_balances_is_not_complained_of() {
    assert_eq!(complaints([deposited(), debited(), credited()]).await, Vec::<String>::new());
}

#[tokio::test]
async fn money_that_was_lost_or_made_is_named() {
    assert_eq!(
        complaints([deposited(), debited()]).await,
        ["100 cents were put into the bank, and 70 are there", "transfer 7 has taken [30] and given []"]
    );
    assert_eq!(
        complaints([deposited(), credited()]).await,
        ["100 cents were put into the bank, and 130 are there", "transfer 7 has taken [] and given [30]"]
    );
}

#[tokio::test]
async fn a_step_that_was_done_twice_is_named() {
    assert_eq!(
        complaints([deposited(), debited(), debited(), credited(), credited()]).await,
        ["transfer 7 has taken [30, 30] and given [30, 30]"]
    );
}

#[tokio::test]
async fn a_timer_that_did_not_fire_is_named() {
    let until = time::OffsetDateTime::UNIX_EPOCH;
    assert_eq!(complaints([AccountEvent::Frozen { until }]).await, ["of 1 freezes, 0 were ended"]);
}
