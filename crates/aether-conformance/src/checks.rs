//! Checks that the rules of both kits are written with: [`OrFail`], [`assert_same`] and [`drop_after`].

use std::collections::HashSet;
use std::error::Error;
use std::fmt::{Display, Write};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use aether_core::{RecordedEvent, Source};
use uuid::Uuid;

/// The value, or a broken rule.
pub(crate) trait OrFail<T> {
    /// The value; otherwise the rule fails with `doing` and the whole chain of causes.
    fn or_fail(self, doing: impl Display) -> T;
}

impl<T, E: Into<Source>> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, doing: impl Display) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{doing} failed: {}", chain(&*error.into())),
        }
    }
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, doing: impl Display) -> T {
        match self {
            Some(value) => value,
            None => panic!("{doing}: there is none"),
        }
    }
}

/// An error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

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

/// What is wrong with the events that were read, if they are not exactly those expected.
fn same(read: &[RecordedEvent], expected: &[RecordedEvent]) -> Result<(), String> {
    if read == expected {
        return Ok(());
    }
    let ids = |events: &[RecordedEvent]| events.iter().map(|event| event.id()).collect::<HashSet<Uuid>>();
    let (read_ids, expected_ids) = (ids(read), ids(expected));
    let missing = expected.iter().find(|event| !read_ids.contains(&event.id()));
    let unexpected = read.iter().find(|event| !expected_ids.contains(&event.id()));
    let what = match (missing, unexpected) {
        (Some(missing), _) => format!("{} was left out", name(missing)),
        (None, Some(unexpected)) => format!("{} was not to come", name(unexpected)),
        (None, None) if read.len() > read_ids.len() => "an event came more than once".to_owned(),
        (None, None) => match read.iter().zip(expected).find(|(read, expected)| read != expected) {
            Some((read, expected)) if read.id() == expected.id() => {
                format!("an event came as {read:?}, and is {expected:?}")
            }
            Some((read, expected)) => format!("{} came in place of {}", name(read), name(expected)),
            None => "their number differs".to_owned(),
        },
    };
    Err(format!("{what}; {} events were read, {} expected", read.len(), expected.len()))
}

/// Asserts that exactly these events were read.
#[track_caller]
pub(crate) fn assert_same(read: &[RecordedEvent], expected: &[RecordedEvent], what: impl Display) {
    if let Err(difference) = same(read, expected) {
        panic!("{what}: {difference}");
    }
}

fn name(event: &RecordedEvent) -> String {
    format!("version {} of {:?} at {}", event.version(), event.actor(), event.position)
}
