//! [`assert_same`]: whether events are those that they should be, said in few words if not.

use std::collections::HashSet;
use std::fmt::Display;

use aether_core::RecordedEvent;
use uuid::Uuid;

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
