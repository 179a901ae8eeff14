//! [`KvVersions`] and [`KvViews`]: versions of a projection in keys.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aether_coordination::{Coordination, CoordinationError};
use aether_core::{ReadFrom, Subscribe};
use aether_group::GroupError;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use super::Current;
use crate::kv::{building_of, current_of, view_of, views_of, views_of_all};
use crate::{KvModel, Projection, ProjectionError, Projector, ProjectorBuilder};

/// How long one wait for the new version takes before it is looked whether it still runs.
const LOOK: Duration = Duration::from_secs(10);
/// How many keys are removed at a time.
const AT_A_TIME: usize = 32;

/// Reads the views of a projection's current version, from any process. Clones share what they know.
///
/// Which version is current it knows as of a second ago; nothing is missed by it, since old views are removed only when a
/// new version is there, and then it looks again.
pub struct KvViews<V> {
    name: String,
    coordination: Arc<dyn Coordination>,
    current: Current,
    view: PhantomData<fn() -> V>,
}

impl<V> Clone for KvViews<V> {
    fn clone(&self) -> Self {
        let Self { name, coordination, current, .. } = self;
        Self {
            name: name.clone(),
            coordination: Arc::clone(coordination),
            current: current.clone(),
            view: PhantomData,
        }
    }
}

impl<V> fmt::Debug for KvViews<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvViews").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<V: DeserializeOwned> KvViews<V> {
    /// The views of the projection of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, coordination: Arc<dyn Coordination>) -> Self {
        let name = name.into();
        let current = Current::new(Arc::clone(&coordination), current_of(&name));
        Self { name, coordination, current, view: PhantomData }
    }

    /// The version that is current; `None` if none was released yet.
    ///
    /// # Errors
    /// [`ProjectionError::Coordination`].
    pub async fn version(&self) -> Result<Option<u32>, ProjectionError> {
        Ok(self.current.read().await?.0)
    }

    /// The view of this key; `None` if no event has changed it.
    ///
    /// # Errors
    /// [`ProjectionError::Coordination`] if it cannot be read; [`ProjectionError::Corrupt`] if it is of another type.
    pub async fn get(&self, key: &str) -> Result<Option<V>, ProjectionError> {
        let mut version = self.current.recent().await?;
        loop {
            let Some(found) = version else { return Ok(None) };
            if let Some(entry) = self.coordination.get(&views_of(&self.name, found).child(key)).await? {
                return view_of(key, &entry.value).map(Some);
            }
            // It may have been removed with its version.
            version = self.current.read().await?.0;
            if version == Some(found) {
                return Ok(None);
            }
        }
    }

    /// All views, by key. They are read one by one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn views(&self) -> Result<Vec<(String, V)>, ProjectionError> {
        let mut version = self.version().await?;
        loop {
            let Some(found) = version else { return Ok(Vec::new()) };
            let entries = self.coordination.entries(&views_of(&self.name, found)).await?;
            // Some of them may have been removed with their version meanwhile.
            version = self.version().await?;
            if version == Some(found) {
                let views = entries.into_iter().map(|entry| {
                    let key = entry.key.last();
                    let view = view_of(&key, &entry.value)?;
                    Ok((key, view))
                });
                return views.collect();
            }
        }
    }
}

/// Releases versions of a projection whose views are in keys, for all processes that read them by [`KvViews`].
///
/// Each process calls [`release`](Self::release) with the version that its code has. The first version is current at once.
/// A higher one is built beside the current one, by all processes that have it together, and takes its place when it has
/// come as far. What has an older version then stops changing views by itself, within a second.
///
/// A process that dies while it builds a version goes on with it when it calls again; views know what they have seen.
/// While one version is being built, others are refused; one that nobody will finish is [abandoned](Self::abandon).
#[derive(Debug, Clone)]
pub struct KvVersions<P: Projection> {
    model: KvModel<P>,
    name: String,
    version: u32,
    current: Current,
    building: Current,
    retire_after: Duration,
}

impl<P: Projection> KvVersions<P> {
    /// The projection in the version of this process.
    #[must_use]
    pub fn new(model: KvModel<P>) -> Self {
        let (name, version) = (model.projection().name().to_owned(), model.projection().version());
        let current = Current::new(Arc::clone(model.coordination()), current_of(&name));
        let building = Current::new(Arc::clone(model.coordination()), building_of(&name));
        Self { model, name, version, current, building, retire_after: Duration::from_secs(5) }
    }

    /// Sets how long the views of the last version stay after another has become current; 5 s by default. Whoever
    /// has the last version needs a second to see that it is not current any more.
    #[must_use]
    pub fn retire_after(mut self, delay: Duration) -> Self {
        self.retire_after = delay;
        self
    }

    /// Reads the current version, which need not be the one of this process.
    #[must_use]
    pub fn views(&self) -> KvViews<P::View> {
        KvViews::new(self.name.clone(), Arc::clone(self.model.coordination()))
    }

    /// Runs this version, and makes it the current one if it is newer than that: then this returns when it is, and the
    /// views of older versions are removed.
    ///
    /// # Errors
    /// [`ProjectionError::NotARebuild`] if a newer version is current; [`ProjectionError::AlreadyRebuilding`] while another
    /// version is being built; why it has failed.
    ///
    /// # Cancel safety
    /// Dropping the future ends this process' part in it. Another call goes on where it was.
    pub async fn release(
        &self,
        store: Arc<dyn Subscribe>,
        configure: impl FnOnce(ProjectorBuilder) -> ProjectorBuilder + Send,
    ) -> Result<Projector, ProjectionError> {
        let current = self.first().await?;
        if current > self.version {
            let reason = format!("version {current} is current, and this is version {}", self.version);
            return Err(ProjectionError::NotARebuild { name: self.name.clone(), reason });
        }
        if current == self.version {
            return configure(self.model.projector(store)).run().await;
        }
        self.claim().await?;
        let projector = configure(self.model.projector(Arc::clone(&store))).run().await?;
        self.catch_up(&projector, &*store).await?;
        self.switch().await?;
        self.building.remove(self.version).await?;
        tokio::time::sleep(self.retire_after).await;
        self.clean_up().await?;
        Ok(projector)
    }

    /// Gives up the version that is being built, whoever builds it: its views are removed, and another one can be built.
    /// Nobody must be at work on it any more.
    ///
    /// # Errors
    /// [`ProjectionError::Coordination`].
    pub async fn abandon(&self) -> Result<(), ProjectionError> {
        if let (Some(version), _) = self.building.read().await? {
            self.building.remove(version).await?;
        }
        self.clean_up().await
    }

    /// Removes the views of versions that are neither current nor being built. A release does it by itself.
    ///
    /// # Errors
    /// [`ProjectionError::Coordination`].
    pub async fn clean_up(&self) -> Result<(), ProjectionError> {
        let ((current, _), (building, _)) = (self.current.read().await?, self.building.read().await?);
        let coordination = self.model.coordination();
        let kept = [current, building].into_iter().flatten();
        let kept: Vec<_> = kept.map(|version| views_of(&self.name, version)).collect();
        let entries = coordination.entries(&views_of_all(&self.name)).await?;
        let old = entries.into_iter().filter(|entry| !kept.iter().any(|kept| entry.key.is_below(kept)));
        let removed = stream::iter(old).map(async |entry| {
            match coordination.delete(&entry.key, entry.revision).await {
                // Somebody removes them as well, or has not yet seen that his version is over.
                Ok(())
                | Err(CoordinationError::Conflict { .. } | CoordinationError::UnknownOutcome { .. }) => {
                    Ok(())
                }
                Err(e) => Err(ProjectionError::from(e)),
            }
        });
        removed.buffer_unordered(AT_A_TIME).try_collect().await
    }

    /// The current version, which is this one if there was none.
    async fn first(&self) -> Result<u32, ProjectionError> {
        loop {
            match self.current.read().await? {
                (Some(version), _) => return Ok(version),
                (None, condition) => {
                    if self.current.write(self.version, condition).await? {
                        return Ok(self.version);
                    }
                }
            }
        }
    }

    /// Makes this the version that is being built.
    async fn claim(&self) -> Result<(), ProjectionError> {
        loop {
            match self.building.read().await? {
                (Some(building), _) if building == self.version => return Ok(()),
                (Some(building), _) => {
                    let (name, refused) = (self.name.clone(), self.version);
                    return Err(ProjectionError::AlreadyRebuilding { name, building, refused });
                }
                (None, condition) => {
                    if self.building.write(self.version, condition).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits until the new version has everything that was saved when it had caught up, and so all that the old one had
    /// seen then. (The old one's checkpoints do not say that: they are behind its views.)
    async fn catch_up(&self, projector: &Projector, store: &dyn Subscribe) -> Result<(), ProjectionError> {
        let mut progress = projector.watch();
        let read = match progress.wait_for(|progress| progress.caught_up).await {
            Ok(progress) => progress.read,
            Err(_) => {
                projector.closed().await?;
                return Err(GroupError::Stopped.into());
            }
        };
        let after = read.map_or(ReadFrom::Start, ReadFrom::After);
        let mut last = read;
        let mut rest = store.get_all(after, usize::MAX);
        while let Some(event) = rest.try_next().await? {
            last = Some(event.position);
        }
        let Some(last) = last else { return Ok(()) };
        loop {
            match projector.wait_for(last, LOOK).await {
                Err(ProjectionError::TimedOut { .. }) => {}
                waited => return waited,
            }
        }
    }

    async fn switch(&self) -> Result<(), ProjectionError> {
        loop {
            let (current, condition) = self.current.read().await?;
            let is_done = current.is_some_and(|current| current >= self.version);
            if is_done || self.current.write(self.version, condition).await? {
                return Ok(());
            }
        }
    }
}
