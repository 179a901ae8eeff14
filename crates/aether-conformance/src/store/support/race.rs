//! [`race`]: tasks that begin at the same moment.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::Barrier;

use super::{OrFail, Store};

/// Runs one task for each handle, all from the same moment on.
pub(crate) async fn race<T, F>(handles: &[Store], task: impl Fn(usize, Store) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(handles.len()));
    let racers = handles.iter().cloned().enumerate().map(|(writer, handle)| {
        let (start, task) = (start.clone(), task(writer, handle));
        tokio::spawn(async move {
            start.wait().await;
            task.await
        })
    });
    join_all(racers).await.into_iter().map(|racer| racer.or_fail("a racing task")).collect()
}
