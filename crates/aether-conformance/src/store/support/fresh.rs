//! [`Fresh`]: a storage with nothing in it, opened for one rule.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{Namespace, SnapshotStore, Source};

use super::{OrFail, Store};
use crate::store::{Capability, Fixture, Handle, Storage, StorageOptions};

/// How many writers race in the rules that have them race.
pub(crate) const WRITERS: usize = 6;

/// A fresh storage and one handle of it, which it derefs to.
pub(crate) struct Fresh {
    storage: Box<dyn Storage>,
    store: Store,
    second_handles: bool,
    patience: Duration,
}

impl Fresh {
    pub(crate) async fn open(fixture: &dyn Fixture) -> Self {
        Self::open_with(fixture, StorageOptions::default()).await
    }

    pub(crate) async fn open_with(fixture: &dyn Fixture, options: StorageOptions) -> Self {
        let storage = fixture.storage(options).await.or_fail("opening a fresh storage");
        let patience = fixture.patience();
        let store = events_of(storage.open().await, patience);
        let second_handles = fixture.declines(Capability::SecondHandles).is_none();
        Self { storage, store, second_handles, patience }
    }

    /// A storage that can be cut off and restarted.
    pub(crate) async fn open_for_outages(fixture: &dyn Fixture) -> Self {
        Self::open_with(fixture, StorageOptions { outages: true, ..StorageOptions::default() }).await
    }

    /// The storage itself.
    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Another handle on the same storage.
    pub(crate) async fn another(&self) -> Store {
        self.events_of(self.storage.open().await)
    }

    /// The event store of a handle on the same storage that was to open.
    #[track_caller]
    pub(crate) fn events_of(&self, opened: Result<Handle, Source>) -> Store {
        events_of(opened, self.patience)
    }

    /// A handle for each writer; where there are no second handles, the same one for all.
    pub(crate) async fn handles(&self, writers: usize) -> Vec<Store> {
        let mut handles = vec![self.store.clone()];
        while handles.len() < writers {
            handles.push(if self.second_handles { self.another().await } else { self.store.clone() });
        }
        handles
    }

    /// The snapshots beside the events.
    pub(crate) async fn snapshots(&self) -> Arc<dyn SnapshotStore> {
        let handle = self.storage.open().await.or_fail("opening the snapshots of the storage");
        handle.snapshots().or_fail("using the handle as a snapshot store")
    }

    /// A stream of a namespace.
    pub(crate) async fn namespaced(&self, namespace: &str, stream: &str) -> Store {
        self.events_of(self.try_namespaced(namespace, stream).await)
    }

    /// A stream of a namespace, or the words in which it was refused.
    pub(crate) async fn try_namespaced(&self, namespace: &str, stream: &str) -> Result<Handle, Source> {
        let name = Namespace::new(namespace).or_fail(format_args!("making the namespace {namespace:?}"));
        self.storage.open_namespaced(&name, stream).await
    }

    /// Closes the first handle; the storage stays.
    pub(crate) fn close(self) -> Box<dyn Storage> {
        self.storage
    }
}

impl Deref for Fresh {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// The event store of a handle that was to open.
#[track_caller]
pub(crate) fn events_of(opened: Result<Handle, Source>, patience: Duration) -> Store {
    Store::new(&opened.or_fail("opening the store"), patience)
}
