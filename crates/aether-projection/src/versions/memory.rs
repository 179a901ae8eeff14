//! [`MemoryVersions`]: versions of a projection in memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{Position, Subscribe};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};

use crate::{MemoryModel, Projection, ProjectionError, Projector, ProjectorBuilder};

/// How long one wait for the new version takes before it is looked whether it still runs.
const LOOK: Duration = Duration::from_secs(10);

/// A projection in memory, of which a new version can be built while this one is read.
///
/// ```
/// # use aether_core::RecordedEvent;
/// # use aether_projection::{ApplyError, Projection, versions::MemoryVersions};
/// # use aether_store_memory::MemoryEventStore;
/// # use std::sync::Arc;
/// struct Count { version: u32, step: u64 }
///
/// impl Projection for Count {
///     type View = u64;
///
///     fn name(&self) -> &str {
///         "count"
///     }
///
///     fn version(&self) -> u32 {
///         self.version
///     }
///
///     fn apply(&self, _key: &str, count: &mut u64, _event: &RecordedEvent) -> Result<(), ApplyError> {
///         *count += self.step;
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let versions = MemoryVersions::start(Count { version: 1, step: 1 }, Arc::new(MemoryEventStore::new())).await?;
/// assert_eq!(*versions.model().view(""), 0);
/// versions.rebuild(Count { version: 2, step: 10 }).await?;
/// assert_eq!(versions.model().projection().version, 2);
/// # Ok(())
/// # }
/// ```
pub struct MemoryVersions<P: Projection> {
    store: Arc<dyn Subscribe>,
    configure: Configure,
    current: watch::Sender<Arc<Running<P>>>,
    /// Held by whoever rebuilds.
    rebuilding: Mutex<()>,
}

type Configure = Arc<dyn Fn(ProjectorBuilder) -> ProjectorBuilder + Send + Sync>;

struct Running<P: Projection> {
    model: MemoryModel<P>,
    projector: Projector,
}

impl<P: Projection> fmt::Debug for MemoryVersions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVersions").field("current", &self.model()).finish_non_exhaustive()
    }
}

impl<P: Projection> MemoryVersions<P> {
    /// Begins with a first version.
    ///
    /// # Errors
    /// As [`ProjectorBuilder::run`].
    pub async fn start(projection: P, store: Arc<dyn Subscribe>) -> Result<Self, ProjectionError> {
        Self::start_with(projection, store, |builder| builder).await
    }

    /// Begins with a first version; `configure` says how each version's projector is to be.
    ///
    /// # Errors
    /// As [`ProjectorBuilder::run`].
    pub async fn start_with(
        projection: P,
        store: Arc<dyn Subscribe>,
        configure: impl Fn(ProjectorBuilder) -> ProjectorBuilder + Send + Sync + 'static,
    ) -> Result<Self, ProjectionError> {
        let configure: Configure = Arc::new(configure);
        let running = Running::start(projection, &store, &configure).await?;
        let (current, _) = watch::channel(Arc::new(running));
        Ok(Self { store, configure, current, rebuilding: Mutex::default() })
    }

    /// The views of the version that is current. Ask again for each look: one that is kept stays as it is once another
    /// version has taken its place.
    #[must_use]
    pub fn model(&self) -> MemoryModel<P> {
        self.current.borrow().model.clone()
    }

    /// Returns the progress of the current version.
    #[must_use]
    pub fn progress(&self) -> crate::Progress {
        self.current.borrow().projector.progress()
    }

    /// The parked actors of the version that is current.
    #[must_use]
    pub fn admin(&self) -> crate::GroupAdmin {
        self.current.borrow().projector.admin().clone()
    }

    /// Waits until the views that are current have everything up to a position, also if they become others meanwhile.
    ///
    /// # Errors
    /// As [`Projector::wait_for`].
    ///
    /// # Cancel safety
    /// Can be given up at any time.
    pub async fn wait_for(&self, position: Position, within: Duration) -> Result<(), ProjectionError> {
        let deadline = Instant::now() + within;
        let mut current = self.current.subscribe();
        loop {
            let running = Arc::clone(&current.borrow_and_update());
            let waited = async {
                tokio::select! {
                    biased;
                    _ = current.changed() => None,
                    waited = running.projector.wait_for(position, within) => Some(waited),
                }
            };
            match timeout_at(deadline, waited).await {
                Ok(Some(waited)) => return waited,
                Ok(None) => {}
                Err(_) => return Err(ProjectionError::TimedOut { position, waited: within }),
            }
        }
    }

    /// Builds another version and goes over to it. The present one is read and goes on until then, but for the last
    /// moment, in which it stands still so that nobody sees a later view before the switch than after it.
    ///
    /// # Errors
    /// [`ProjectionError::AlreadyRebuilding`] while another one is being built; [`ProjectionError::NotARebuild`] if it is
    /// another projection, or the version that is current; why the new version has failed. The present version goes on
    /// after an error.
    ///
    /// # Cancel safety
    /// Dropping the future ends the new version; the present one goes on.
    pub async fn rebuild(&self, projection: P) -> Result<(), ProjectionError> {
        let old = Arc::clone(&self.current.borrow());
        let (name, version) = (projection.name().to_owned(), projection.version());
        let running = old.model.projection();
        let Ok(_rebuilding) = self.rebuilding.try_lock() else {
            let building = running.version();
            return Err(ProjectionError::AlreadyRebuilding { name, building, refused: version });
        };
        if (running.name(), running.version()) == (&*name, version) || running.name() != name {
            let reason = format!("{:?} in version {} is running", running.name(), running.version());
            return Err(ProjectionError::NotARebuild { name, reason });
        }
        let new = Running::start(projection, &self.store, &self.configure).await?;
        // While this is made up for, the old one goes on; so the rest is little.
        new.reach(old.model.position()).await?;
        let frozen = old.model.freeze();
        new.reach(frozen.position()).await?;
        self.current.send_replace(Arc::new(new));
        frozen.keep();
        Ok(())
    }

    /// Ends the version that is current.
    ///
    /// # Errors
    /// As [`Projector::stop`].
    pub async fn stop(self) -> Result<(), ProjectionError> {
        let Self { current, .. } = self;
        let running = Arc::clone(&current.borrow());
        drop(current);
        match Arc::try_unwrap(running) {
            Ok(running) => running.projector.stop().await,
            // Somebody waits for a position at this moment; it ends with him.
            Err(_) => Ok(()),
        }
    }
}

impl<P: Projection> Running<P> {
    async fn start(
        projection: P,
        store: &Arc<dyn Subscribe>,
        configure: &Configure,
    ) -> Result<Self, ProjectionError> {
        let model = MemoryModel::new(projection);
        let projector = configure(model.projector(Arc::clone(store))).run().await?;
        Ok(Self { model, projector })
    }

    /// Waits until the views have come to a position, for as long as they go on.
    async fn reach(&self, position: Option<Position>) -> Result<(), ProjectionError> {
        let Some(position) = position else { return Ok(()) };
        loop {
            match self.projector.wait_for(position, LOOK).await {
                Err(ProjectionError::TimedOut { .. }) => {}
                waited => return waited,
            }
        }
    }
}
