//! [`Views`]: the two projections, and waiting for what they show.

use std::sync::Arc;
use std::time::Duration;

use aether::actor::Store;
use aether::projection::{MemoryModel, Progress, Projector};
use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

use crate::balances::Balances;
use crate::outcomes::{Counts, Outcomes};

/// How long to wait without seeing anything change.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is looked at. It follows the events from the first one on.
pub(crate) struct Views {
    pub(crate) balances: MemoryModel<Balances>,
    outcomes: MemoryModel<Outcomes>,
    projectors: [Projector; 2],
}

impl Views {
    /// The views as they are now, and from now on.
    pub(crate) async fn open(store: &Arc<dyn Store>) -> Result<Self> {
        let (balances, outcomes) = (MemoryModel::new(Balances), MemoryModel::new(Outcomes));
        let projectors =
            [balances.projector(store.clone()).run().await?, outcomes.projector(store.clone()).run().await?];
        let views = Self { balances, outcomes, projectors };
        for projector in &views.projectors {
            let done = |progress: &Progress| progress.caught_up && progress.unfinished == 0;
            projector.watch().wait_for(done).await.context("a projection has ended")?;
        }
        Ok(views)
    }

    /// How transfers have ended so far.
    pub(crate) fn outcomes(&self) -> Counts {
        *self.outcomes.view("")
    }

    /// All that the accounts have, in cents, as the projection says.
    pub(crate) fn total(&self) -> u64 {
        self.balances.views().values().map(|view| view.cents).sum()
    }

    /// Waits until so many transfers have ended, no other is on its way, and no account is frozen.
    pub(crate) async fn settled(&self, transfers: u64) -> Result<()> {
        let (mut last, mut since) = (self.outcomes(), Instant::now());
        loop {
            let counts = self.outcomes();
            let frozen = self.balances.views().values().filter(|view| view.frozen).count();
            if counts.ended() >= transfers && counts.ended() == counts.started && frozen == 0 {
                return Ok(());
            }
            if counts != last {
                (last, since) = (counts, Instant::now());
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "for {PATIENCE:?} nothing has changed: {counts:?} of {transfers} transfers, {frozen} accounts are frozen"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
