//! On the memory store.

use std::sync::Arc;

use aether_actor::Store;
use aether_core::Source;
use aether_store_memory::MemoryEventStore;
use aether_testkit::actors::{Fixture, Storage};
use async_trait::async_trait;

struct InMemory;

struct Place(MemoryEventStore);

#[async_trait]
impl Fixture for InMemory {
    async fn storage(&self) -> Result<Box<dyn Storage>, Source> {
        Ok(Box::new(Place(MemoryEventStore::new())))
    }
}

#[async_trait]
impl Storage for Place {
    async fn open(&self) -> Result<Arc<dyn Store>, Source> {
        Ok(Arc::new(self.0.clone()))
    }
}

aether_testkit::actor_conformance!(InMemory);
