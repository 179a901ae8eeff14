//! [`Fixture`]: how the kit gets at the store that actors live on.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::Store;
use aether_core::Source;
use async_trait::async_trait;

use crate::Subject;
use crate::store::Capability;

/// Opens storages for the rules. Each rule makes a fixture of its own, in a runtime of its own.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A storage with nothing in it, apart from all others there are.
    ///
    /// # Errors
    /// Whatever the store says; the rule fails.
    async fn storage(&self) -> Result<Box<dyn Storage>, Source>;

    /// Called when the rule is over, also when it was broken: the place to remove what it has left.
    async fn clean_up(&self) {}

    /// How many actors the largest rule has at work: 10,000.
    fn crowd(&self) -> usize {
        10_000
    }

    /// How long one rule may take before it counts as stuck.
    fn deadline(&self) -> Duration {
        Duration::from_secs(120)
    }
}

#[async_trait]
impl Subject for dyn Fixture {
    fn lacks(&self, _: Capability) -> Option<String> {
        None
    }

    fn time_limit(&self) -> Duration {
        self.deadline()
    }

    async fn tidy_up(&self) {
        self.clean_up().await;
    }
}

/// One place where actors are kept. What it holds may be gone when it is dropped.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Opens the storage. Each call gives a handle that shares no cache and no connection with the others, if that is
    /// possible: two systems on two handles are as two processes.
    ///
    /// # Errors
    /// Whatever the store says; the rule fails.
    async fn open(&self) -> Result<Arc<dyn Store>, Source>;
}
