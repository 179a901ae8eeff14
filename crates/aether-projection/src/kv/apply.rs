//! Applying a batch to stored values.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Condition, CoordinationError};
use aether_core::{RecordedEvent, Source};
use aether_group::{Batch, HandleError};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Inner, Loaded, Value};
use crate::applied_positions::Waiting;
use crate::staged_batch::{Stage, Staged, Unapplied, stage};
use crate::{ApplyError, Projection};

/// The longest wait after others were faster.
const BACKOFF: Duration = Duration::from_millis(10);

/// The values that a batch may change, as they were read.
type Base<V> = HashMap<String, Arc<Loaded<V>>, ahash::RandomState>;

/// A value as a batch leaves it.
pub(super) struct Slot<V> {
    value: Value<V>,
    condition: Condition,
    changed: bool,
}

/// What a batch writes, and which event it ends before.
type Plan<V> = (Vec<Write<V>>, Option<Unapplied>);

/// A value that is to be written.
struct Write<V> {
    key: String,
    value: Value<V>,
    condition: Condition,
    bytes: Bytes,
}

impl<P: Projection> Inner<P> {
    /// Applies the batch. The writes of the events before one that fails are done when that failure is reported.
    pub(super) async fn apply(&self, batch: &Batch) -> Result<(), HandleError> {
        let current = self.current.recent().await.map_err(HandleError::unavailable)?;
        if let Some(current) = current.filter(|current| *current > self.projection.version()) {
            return Err(HandleError::unavailable(format!(
                "version {current} has taken the place of this one"
            )));
        }
        let waiting = self.parkings.during(batch);
        loop {
            let base = self.load(batch).await?;
            if base.values().any(|loaded| loaded.value.seen.is_fenced(batch)) {
                // It may have been read before this member was given the partition back.
                base.keys().for_each(|key| drop(self.cache.remove(key)));
                return Err(HandleError::unavailable("the partition belongs to another member"));
            }
            let (writes, unapplied) = self.plan(batch, &base, &waiting);
            // Those of other values stand; they know what they have seen, and do not change again.
            if self.write(writes).await? > 0 {
                tokio::time::sleep(BACKOFF.mul_f64(fastrand::f64())).await;
                continue;
            }
            return match unapplied {
                None => Ok(()),
                Some(unapplied) => Err(unapplied.park(batch, &self.parkings)),
            };
        }
    }

    /// The values that the batch may change.
    async fn load(&self, batch: &Batch) -> Result<Base<P::View>, HandleError> {
        let mut base = Base::default();
        let mut missing = Vec::new();
        // A projection that panics here does so again where it is caught, at the same event.
        for event in &batch.events {
            for key in keys_of(&self.projection, event) {
                if base.contains_key(&*key) {
                    continue;
                }
                match self.cache.get(&*key) {
                    Some(loaded) => drop(base.insert(key, loaded)),
                    None => {
                        base.insert(key.clone(), Arc::new(Loaded::default()));
                        missing.push(key);
                    }
                }
            }
        }
        let read = stream::iter(missing).map(async |key| {
            let entry =
                self.coordination.get(&self.views.child(&key)).await.map_err(HandleError::unavailable)?;
            let loaded = Loaded::of(entry).map_err(|source| {
                HandleError::unavailable(format!(
                    "view {key:?} cannot be read, it is of another type: {source}"
                ))
            })?;
            let loaded = Arc::new(loaded);
            self.cache.insert(key.clone(), Arc::clone(&loaded));
            Ok::<_, HandleError>((key, loaded))
        });
        let read: Vec<_> = read.buffer_unordered(self.writes).try_collect().await?;
        base.extend(read);
        Ok(base)
    }

    /// What there is to write, and which event cannot be applied.
    fn plan(&self, batch: &Batch, base: &Base<P::View>, waiting: &Waiting) -> Plan<P::View> {
        let onto = Onto { projection: &self.projection, batch, base, waiting };
        let whole = stage(&self.projection, &onto, &(), &batch.events);
        if let Ok(writes) = self.encode(whole.staged) {
            return (writes, whole.unapplied);
        }
        // Some view becomes too large. Which event makes it so is found by trying less and less of the batch.
        let end = whole.unapplied.as_ref().map_or(batch.events.len(), |unapplied| unapplied.at);
        let (mut fits, mut fails) = (0, end);
        let mut writes = Vec::new();
        let mut why: Source = "the view cannot be stored".into();
        while fits < fails {
            // What is too large may become small again, so every event is looked at by itself.
            let next = fits + 1;
            let events = batch.events.get(..next).unwrap_or_default();
            match self.encode(stage(&self.projection, &onto, &(), events).staged) {
                Ok(fitting) => (fits, writes) = (next, fitting),
                Err(too_large) => (fails, why) = (fits, too_large),
            }
        }
        (writes, Some(Unapplied { at: fits, why }))
    }

    /// The values that have changed, encoded.
    fn encode(&self, staged: Staged<Slot<P::View>>) -> Result<Vec<Write<P::View>>, Source> {
        let changed = staged.into_iter().filter(|(_, slot)| slot.changed);
        let writes = changed.map(|(key, Slot { value, condition, .. })| {
            let bytes = value.encode()?;
            let (size, limit) = (bytes.len(), self.max_value);
            if size > limit {
                return Err(format!("view {key:?} would take {size} bytes, the limit is {limit}").into());
            }
            Ok(Write { key, value, condition, bytes })
        });
        writes.collect()
    }

    /// Writes the values, and gives how many others have written in the meantime.
    async fn write(&self, writes: Vec<Write<P::View>>) -> Result<usize, HandleError> {
        let written = stream::iter(writes).map(async |Write { key, value, condition, bytes }| {
            match self.coordination.put(&self.views.child(&key), bytes, condition).await {
                Ok(revision) => {
                    let condition = Condition::At(revision);
                    self.cache.insert(key, Arc::new(Loaded { value, condition }));
                    Ok(0)
                }
                Err(e) => {
                    self.cache.remove(&key);
                    match e {
                        CoordinationError::Conflict { .. } => Ok(1),
                        other => Err(HandleError::unavailable(other)),
                    }
                }
            }
        });
        let mut written = written.buffer_unordered(self.writes);
        let (mut conflicts, mut failed) = (0, None);
        // All of them are waited for: one that is dropped half way would leave its value in the cache.
        while let Some(outcome) = written.next().await {
            match outcome {
                Ok(conflict) => conflicts += conflict,
                Err(e) => failed = Some(e),
            }
        }
        failed.map_or(Ok(conflicts), Err)
    }
}

/// The keys of an event's views; none if the projection panics.
fn keys_of<P: Projection>(projection: &P, event: &RecordedEvent) -> Vec<String> {
    let keys = || projection.keys(event).iter().map(str::to_owned).collect();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(keys)).unwrap_or_default()
}

/// The values that a batch is applied to.
struct Onto<'a, P: Projection> {
    projection: &'a P,
    batch: &'a Batch,
    base: &'a Base<P::View>,
    waiting: &'a Waiting,
}

impl<P: Projection> Stage for Onto<'_, P> {
    type Slot = Slot<P::View>;
    type Admitted = ();

    fn admit(&self, _admitted: &mut (), _event: &RecordedEvent) -> bool {
        true
    }

    fn base(&self, key: &str) -> Slot<P::View> {
        let loaded = self.base.get(key).map(|loaded| Loaded::clone(loaded)).unwrap_or_default();
        Slot { value: loaded.value, condition: loaded.condition, changed: false }
    }

    fn change(&self, slot: &mut Slot<P::View>, key: &str, event: &RecordedEvent) -> Result<(), ApplyError> {
        if slot.value.seen.take(self.batch, event, self.waiting) {
            self.projection.apply(key, &mut slot.value.view, event)?;
            slot.changed = true;
        }
        Ok(())
    }
}
