//! The memory timers, held against the whole contract.

use std::sync::Arc;

use aether_conformance::store::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_core::{Source, Timers};
use aether_store_memory::MemoryTimers;
use async_trait::async_trait;

struct InMemory;

struct Place(MemoryTimers);

#[async_trait]
impl Fixture for InMemory {
    fn declines(&self, capability: Capability) -> Option<String> {
        match capability {
            Capability::Namespaces => Some("every set of memory timers is a namespace of its own".to_owned()),
            Capability::Outages => Some("nothing stands between memory timers and their user".to_owned()),
            _ => None,
        }
    }

    async fn storage(&self, _: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        Ok(Box::new(Place(MemoryTimers::new())))
    }
}

#[async_trait]
impl Storage for Place {
    async fn open(&self) -> Result<Handle, Source> {
        Err("these are timers".into())
    }

    async fn open_timers(&self) -> Result<Arc<dyn Timers>, Source> {
        Ok(Arc::new(self.0.clone()))
    }
}

aether_conformance::timer_conformance!(InMemory);
