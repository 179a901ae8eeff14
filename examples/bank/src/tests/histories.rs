//! The first log of the bank, when deposits were in whole euros, and what has come of it.

use std::sync::Arc;

use aether::actor::Store;
use aether::codec::Codec;
use aether::memory::MemoryEventStore;
use aether::{EventStoreExt, Version};

use crate::account::Account;
use crate::audit::Books;
use crate::commands::{Balance, Withdraw};
use crate::views::Views;
use crate::world::World;

/// Each line is a commit, as it stands in a stream.
const FIRST_LOG: &str = include_str!("../../first_log.jsonl");

async fn first_bank() -> World {
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    for line in FIRST_LOG.lines() {
        let commit = Codec::decode(&line.as_bytes().to_vec().into()).unwrap();
        store.save_events(&commit.events).await.unwrap();
    }
    World { store, ..World::memory() }
}

#[tokio::test]
async fn the_first_log_is_read_by_the_newest_code() {
    let world = first_bank().await;
    let system = world.start().await.unwrap();
    let (ada, bob) = (system.actor::<Account>("ada"), system.actor::<Account>("bob"));
    assert_eq!((ada.query(Balance).await.unwrap(), bob.query(Balance).await.unwrap()), (8000, 5000));
    assert_eq!(ada.ask(Withdraw { cents: 50 }).await.unwrap(), 7950);
    let (then, _) = system.state_at_version::<Account>("ada", Version::new(2)).await.unwrap();
    assert_eq!(serde_json::to_value(then).unwrap()["cents"], 10000);

    let views = Views::open(&world.store).await.unwrap();
    assert_eq!(views.balances.view("bob").cents, 5000);
    let books = Books::read(&*world.store).await.unwrap();
    assert_eq!((books.paid_in, books.paid_out, books.complaints()), (15000, 2050, vec![]));
}
