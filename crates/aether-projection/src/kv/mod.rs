//! [`KvModel`]: views in keys that are written by compare-and-set.

mod apply;

use std::fmt;
use std::sync::Arc;

use aether_coordination::{Condition, Coordination, Entry, Key};
use aether_core::{EventFilter, Position, Source, Subscribe};
use aether_group::{Batch, Claim, HandleError};
use async_trait::async_trait;
use bytes::Bytes;
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::applied_positions::{AppliedPositions, Parkings};
use crate::versions::Current;
use crate::{Projection, ProjectionError, Projector, ProjectorBuilder, Target};

/// Views in keys that are written by compare-and-set: with NATS, what every process can read. Clones share it.
///
/// A key holds one view as JSON, and beside it up to where the view has seen the events of each partition. So an event that
/// comes again, after a crash or from a member that has lost its partition, changes nothing, and each event is in each view
/// once, without a transaction over both.
///
/// # What a reader sees
/// Each view as some batch left it. The views of one batch are written one by one: a commit that changes several views may
/// be in some of them a moment earlier than in others; in one view it is whole unless it lies across two batches, as with
/// [`MemoryModel`](crate::MemoryModel).
///
/// # Large views
/// A view that would take more than [`max_value`](Self::max_value) bytes parks the actor of the event that would make it
/// so, before anything of that event is written. Should the servers take less than that, the projector stands still and
/// says why: set `max_value` to what they take. Each change writes the whole view, so many small ones are better than few
/// large ones. Views that many partitions change at the same time are written one after the other.
pub struct KvModel<P: Projection>(Arc<Inner<P>>);

pub(crate) struct Inner<P: Projection> {
    projection: P,
    coordination: Arc<dyn Coordination>,
    /// Above the keys of all views of this version.
    views: Key,
    group: String,
    /// Which version is read, if versions are released at all.
    current: Current,
    max_value: usize,
    writes: usize,
    parkings: Parkings,
    /// What was read or written last. It may be stale: then a write is refused, and the value read again.
    cache: Cache<String, Arc<Loaded<P::View>>>,
}

impl<P: Projection> Clone for KvModel<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Projection> fmt::Debug for KvModel<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvModel").field("views", &self.0.views).finish_non_exhaustive()
    }
}

impl<P: Projection> KvModel<P> {
    /// The views of the projection, in its version. What its group knows is kept in the same place.
    #[must_use]
    pub fn new(projection: P, coordination: Arc<dyn Coordination>) -> Self {
        let views = views_of(projection.name(), projection.version());
        let group = group_of(projection.name(), projection.version());
        let current = Current::new(Arc::clone(&coordination), current_of(projection.name()));
        Self(Arc::new(Inner {
            projection,
            coordination,
            views,
            group,
            current,
            max_value: (1 << 20) - 4_096,
            writes: 32,
            parkings: Parkings::default(),
            cache: Cache::new(10_000),
        }))
    }

    /// Sets the limit of bytes of a stored view; a mebibyte less some room by default. Before the model
    /// is cloned.
    #[must_use]
    pub fn max_value(mut self, bytes: usize) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.max_value = bytes;
        }
        self
    }

    /// Sets the number of views that are kept in memory, so that changing them takes no read; 10,000 by default. Before
    /// the model is cloned.
    #[must_use]
    pub fn cached(mut self, views: usize) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.cache = Cache::new(views);
        }
        self
    }

    /// Begins to follow the events of a store, alone or together with other processes that do the same.
    pub fn projector(&self, store: Arc<dyn Subscribe>) -> ProjectorBuilder {
        Projector::builder(store, Arc::clone(&self.0.coordination), Following(self.clone()))
    }

    pub(crate) fn coordination(&self) -> &Arc<dyn Coordination> {
        &self.0.coordination
    }

    #[cfg(test)]
    pub(crate) fn parkings(&self) -> &Parkings {
        &self.0.parkings
    }

    /// Applies a batch.
    pub(crate) async fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        self.0.apply(batch).await
    }

    /// The projection.
    #[must_use]
    pub fn projection(&self) -> &P {
        &self.0.projection
    }

    /// The view of this key, as it is stored now; `None` if no event has changed it.
    ///
    /// # Errors
    /// [`ProjectionError::Coordination`] if it cannot be read; [`ProjectionError::Corrupt`] if it is of another type.
    pub async fn get(&self, key: &str) -> Result<Option<P::View>, ProjectionError> {
        let entry = self.0.coordination.get(&self.0.views.child(key)).await?;
        entry.map(|entry| view_of(key, &entry.value)).transpose()
    }

    /// All views, by key. They are read one by one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn views(&self) -> Result<Vec<(String, P::View)>, ProjectionError> {
        let entries = self.0.coordination.entries(&self.0.views).await?;
        let views = entries.into_iter().map(|entry| {
            let key = entry.key.last();
            let view = view_of(&key, &entry.value)?;
            Ok((key, view))
        });
        views.collect()
    }
}

pub(crate) fn view_of<V: serde::de::DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<V, ProjectionError> {
    let value = Value::decode(bytes);
    let value = value.map_err(|source| ProjectionError::Corrupt { key: key.to_owned(), source })?;
    Ok(value.view)
}

/// Above everything that is kept of a projection.
fn root_of(name: &str) -> Key {
    Key::root("projections").child(name)
}

/// Which version is read.
pub(crate) fn current_of(name: &str) -> Key {
    root_of(name).child("current")
}

/// Which version is being built.
pub(crate) fn building_of(name: &str) -> Key {
    root_of(name).child("building")
}

/// Above the views of all versions.
pub(crate) fn views_of_all(name: &str) -> Key {
    root_of(name).child("view")
}

/// Above the views of a version.
pub(crate) fn views_of(name: &str, version: u32) -> Key {
    views_of_all(name).child(&version.to_string())
}

/// The group that makes the views of a version.
pub(crate) fn group_of(name: &str, version: u32) -> String {
    format!("{name}.v{version}")
}

/// The model as the target of its projector.
struct Following<P: Projection>(KvModel<P>);

#[async_trait]
impl<P: Projection> Target for Following<P> {
    fn name(&self) -> &str {
        &self.0.0.group
    }

    fn filter(&self) -> EventFilter {
        self.0.projection().filter()
    }

    /// The values themselves know what they have seen; where to go on, the group knows.
    async fn checkpoint(&self, claim: &Claim) -> Result<Option<Position>, HandleError> {
        self.0.0.parkings.claimed(claim);
        Ok(None)
    }

    async fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        self.0.apply(batch).await
    }
}

/// A view and what it has seen, as they are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Value<V> {
    pub(crate) seen: AppliedPositions,
    pub(crate) view: V,
}

impl<V: DeserializeOwned> Value<V> {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Source> {
        serde_json::from_slice(bytes).map_err(Into::into)
    }
}

impl<V: Serialize> Value<V> {
    pub(crate) fn encode(&self) -> Result<Bytes, Source> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Into::into)
    }
}

impl<V: Default> Default for Loaded<V> {
    fn default() -> Self {
        Self {
            value: Value { seen: AppliedPositions::default(), view: V::default() },
            condition: Condition::Absent,
        }
    }
}

/// A value, and what a write over it has to expect.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<V> {
    pub(crate) value: Value<V>,
    pub(crate) condition: Condition,
}

impl<V: DeserializeOwned + Default> Loaded<V> {
    pub(crate) fn of(entry: Option<Entry>) -> Result<Self, Source> {
        match entry {
            None => Ok(Self::default()),
            Some(entry) => {
                Ok(Self { value: Value::decode(&entry.value)?, condition: Condition::At(entry.revision) })
            }
        }
    }
}
