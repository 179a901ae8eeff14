//! [`SingletonBuilder`]: who is to be a candidate, for what, and by which times.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::driver::Driver;
use super::election::Election;
use super::term::{Claim, State};
use super::timing::Timing;
use super::{Singleton, SingletonError};
use crate::Leases;

/// A candidate that is being described; see [`Singleton::builder`].
#[must_use]
pub struct SingletonBuilder {
    coordination: Arc<dyn Leases>,
    name: String,
    candidate: String,
    timing: Timing,
}

impl SingletonBuilder {
    pub(super) fn new(coordination: Arc<dyn Leases>, name: String) -> Self {
        Self { coordination, name, candidate: String::new(), timing: Timing::default() }
    }

    /// What people see of the candidate in the key, such as the name of its node; nothing by default. It decides nothing, and
    /// two may have the same.
    pub fn candidate(mut self, name: impl Into<String>) -> Self {
        self.candidate = name.into();
        self
    }

    /// How long the servers keep the key of a holder that is not heard of; 17 s by default, in whole seconds. It is the
    /// longest, together with [`poll_every`](Self::poll_every), that nobody holds the singleton when its holder has died.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.timing.ttl = ttl;
        self
    }

    /// How often the holder renews; 2 s by default.
    pub fn renew_every(mut self, renew_every: Duration) -> Self {
        self.timing.renew_every = renew_every;
        self
    }

    /// How long after it has sent the last renewal that was acknowledged the holder stops; 13 s by default, which is longer
    /// than the servers' elections. 0.81 of the ttl at most, and twice [`renew_every`](Self::renew_every) at least.
    pub fn stop_after(mut self, stop_after: Duration) -> Self {
        self.timing.stop_after = stop_after;
        self
    }

    /// How often, at least, a candidate looks whether the singleton is free; 2 s by default. That it was given up, it hears
    /// at once.
    pub fn poll_every(mut self, poll_every: Duration) -> Self {
        self.timing.poll_every = poll_every;
        self
    }

    /// Becomes a candidate. This does not wait until the singleton is held.
    ///
    /// # Errors
    /// [`SingletonError::Invalid`] for times that do not go together; [`SingletonError::Coordination`] if leases cannot be
    /// kept there, with what to do about it, or the servers cannot be reached.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn join(self) -> Result<Singleton, SingletonError> {
        let Self { coordination, name, candidate, timing } = self;
        timing.check()?;
        coordination.check_leases().await?;
        let claim = Claim { candidate, join: Uuid::now_v7(), epoch: None };
        let election = Election::new(claim, timing, fastrand::Rng::new());
        let (told, state) = watch::channel(State::Waiting);
        let driver = Driver::new(name.clone(), coordination, election, timing.stop_after, told).await?;
        let (leave, asked) = oneshot::channel();
        let driver = AbortOnDropHandle::new(tokio::spawn(driver.run(asked)));
        Ok(Singleton::new(name, state, leave, driver))
    }
}

impl fmt::Debug for SingletonBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, candidate, timing, .. } = self;
        f.debug_struct("SingletonBuilder")
            .field("name", name)
            .field("candidate", candidate)
            .field("timing", timing)
            .finish_non_exhaustive()
    }
}
