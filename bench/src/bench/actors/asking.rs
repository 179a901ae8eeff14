//! Askers beside each other, each of which waits for every answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::rounds::median;

/// Whom something is asked of.
pub(crate) trait Target: Send + Sync + 'static {
    /// Asks once, and waits for the answer.
    fn ask(&self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Askers, each with targets of its own, which it asks in turn.
pub(crate) struct Askers<T>(Vec<Arc<Vec<T>>>);

impl<T: Target> Askers<T> {
    /// So many askers with so many targets each; `target` makes each asker's n-th.
    pub(crate) fn new(askers: usize, targets: usize, target: impl Fn(usize, usize) -> T) -> Self {
        let targets = |asker| Arc::new((0..targets).map(|n| target(asker, n)).collect());
        Self((0..askers).map(targets).collect())
    }

    /// So many askers that share these out, each some of them.
    pub(crate) fn share(askers: usize, targets: Vec<T>) -> Self {
        let mut shares: Vec<Vec<T>> = (0..askers).map(|_| Vec::new()).collect();
        for (n, target) in targets.into_iter().enumerate() {
            shares[n % askers].push(target);
        }
        Self(shares.into_iter().map(Arc::new).collect())
    }

    /// Each of them asks so often. Answers per second.
    pub(crate) fn rate(&self, runtime: &Runtime, asks_each: usize) -> anyhow::Result<f64> {
        let took = runtime.block_on(async {
            let mut askers = JoinSet::new();
            let begun = Instant::now();
            for targets in &self.0 {
                let targets = Arc::clone(targets);
                askers.spawn(async move {
                    for n in 0..asks_each {
                        targets[n % targets.len()].ask().await?;
                    }
                    anyhow::Ok(())
                });
            }
            while let Some(asked) = askers.join_next().await {
                asked??;
            }
            anyhow::Ok(begun.elapsed())
        })?;
        Ok((self.0.len() * asks_each) as f64 / took.as_secs_f64())
    }
}

/// One asker, a task of its own, asks again and again. The median of the times, in nanoseconds.
pub(crate) fn latency<T: Target>(runtime: &Runtime, target: &Arc<T>, asks: usize) -> anyhow::Result<f64> {
    let target = Arc::clone(target);
    let asker = async move {
        let mut times = Vec::with_capacity(asks);
        for _ in 0..asks {
            let begun = Instant::now();
            target.ask().await?;
            times.push(begun.elapsed().as_nanos() as f64);
        }
        anyhow::Ok(median(times))
    };
    runtime.block_on(async { tokio::spawn(asker).await? })
}
