//! The memory store, held against the whole contract.

use aether_conformance::store::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_core::Source;
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;

struct InMemory;

struct Place(MemoryEventStore);

#[async_trait]
impl Fixture for InMemory {
    fn declines(&self, capability: Capability) -> Option<String> {
        match capability {
            Capability::Namespaces => Some("every memory store is a namespace of its own".to_owned()),
            Capability::Outages => Some("nothing stands between a memory store and its user".to_owned()),
            Capability::Retention => Some("nothing in a memory store expires".to_owned()),
            _ => None,
        }
    }

    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        let builder = MemoryEventStore::builder();
        let builder = match options.max_bytes {
            Some(bytes) => builder.max_bytes(bytes),
            None => builder,
        };
        Ok(Box::new(Place(builder.build())))
    }
}

#[async_trait]
impl Storage for Place {
    async fn open(&self) -> Result<Handle, Source> {
        Ok(Handle::new(self.0.clone()))
    }
}

aether_conformance::event_store_conformance!(InMemory);
aether_conformance::subscription_conformance!(InMemory);
aether_conformance::snapshot_store_conformance!(InMemory);
