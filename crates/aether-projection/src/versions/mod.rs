//! A new version of a projection, built beside the running one: reads go over to it without a pause.
//!
//! The new version runs as a group of its own, from the first event on, into views of its own, while the running one goes
//! on and is read. When the new one has come as far as the running one, readers go over to it at once; then the old views
//! are removed. Nobody ever reads a view that is half built, and no read fails.
//!
//! In memory that is [`MemoryVersions`]: there no read goes back behind what another one has seen. In keys, where several
//! processes take part, [`KvVersions`] releases versions and [`KvViews`] reads the current one; the new version then has all
//! that was saved a moment before, in which the old one may have gone on.

mod kv;
mod memory;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aether_coordination::{Condition, Coordination, CoordinationError, Entry, Key};
use tokio::time::Instant;

use crate::ProjectionError;

pub use kv::{KvVersions, KvViews};
pub use memory::MemoryVersions;

/// How long a reader takes it for granted that the version is still the same.
const TRUSTED: Duration = Duration::from_secs(1);

/// A key that holds the number of a version.
#[derive(Clone)]
pub(crate) struct Current {
    coordination: Arc<dyn Coordination>,
    key: Key,
    /// What was read last, and when.
    known: Arc<Mutex<Option<Known>>>,
}

/// When a version was read.
type Known = (Instant, Option<u32>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Current({})", self.key)
    }
}

impl Current {
    pub(crate) fn new(coordination: Arc<dyn Coordination>, key: Key) -> Self {
        Self { coordination, key, known: Arc::default() }
    }

    /// The version, as it was a moment ago.
    pub(crate) async fn recent(&self) -> Result<Option<u32>, ProjectionError> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some((read, version)) if read.elapsed() < TRUSTED => Ok(version),
            _ => self.read().await.map(|(version, _)| version),
        }
    }

    /// The version, and what a write over it has to expect.
    pub(crate) async fn read(&self) -> Result<(Option<u32>, Condition), ProjectionError> {
        let asked = Instant::now();
        let entry = self.coordination.get(&self.key).await?;
        let version = entry.as_ref().map(|entry| self.parse(entry)).transpose()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(read, _)| read < asked) {
            *known = Some((asked, version));
        }
        Ok((version, entry.map(|entry| entry.revision).into()))
    }

    /// Writes the version if the condition holds; whether it did.
    pub(crate) async fn write(&self, version: u32, condition: Condition) -> Result<bool, ProjectionError> {
        loop {
            match self.coordination.put(&self.key, version.to_string().into(), condition).await {
                Ok(_) => return Ok(true),
                Err(CoordinationError::Conflict { .. }) => return Ok(false),
                // The same once more tells.
                Err(CoordinationError::UnknownOutcome { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Removes the key if it still holds this version.
    pub(crate) async fn remove(&self, version: u32) -> Result<(), ProjectionError> {
        while let Some(entry) = self.coordination.get(&self.key).await? {
            if self.parse(&entry)? != version {
                break;
            }
            match self.coordination.delete(&self.key, entry.revision).await {
                Ok(()) => break,
                Err(CoordinationError::Conflict { .. } | CoordinationError::UnknownOutcome { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn parse(&self, entry: &Entry) -> Result<u32, ProjectionError> {
        let text = std::str::from_utf8(&entry.value).unwrap_or_default();
        text.parse().map_err(|e: std::num::ParseIntError| ProjectionError::Corrupt {
            key: self.key.to_string(),
            source: e.into(),
        })
    }
}
