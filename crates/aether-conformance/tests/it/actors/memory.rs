//! On the memory store.

use std::sync::Arc;

use aether_actor::Store;
use aether_conformance::actors::{Fixture, Storage};
use aether_core::Source;
use aether_store_memory::MemoryEventStore;
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

aether_conformance::actor_conformance!(InMemory);
