//! [`drop_after`]: cuts a future off half way.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Polls `future` `polls` times at most, for `time` at most, and drops it. `Some` if it was done before.
pub(crate) async fn drop_after<F: Future>(future: F, polls: usize, time: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    let cut = poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    tokio::time::timeout(time, cut).await.ok().flatten()
}
