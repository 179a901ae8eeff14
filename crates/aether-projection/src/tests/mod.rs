//! Models without a group: what comes again changes nothing, whatever comes again.

mod flaky;
mod group;
mod redelivery;
mod unapplied;

use aether_core::{ActorId, Event, Position, RecordedEvent, Version};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ApplyError, Keys, Projection};

/// What an event of these tests says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) keys: Vec<String>,
    pub(crate) amount: u64,
    /// Whether it cannot be applied, and how.
    #[serde(default)]
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Fault {
    Error,
    Panic,
}

/// Adds up, and remembers the order of each actor's events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) sum: u64,
    pub(crate) last: std::collections::BTreeMap<ActorId, Version>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums;

impl Projection for Sums {
    type View = Sum;

    fn name(&self) -> &str {
        "sums"
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        event.data::<Added>().map_or(Keys::none(), |added| Keys::several(added.keys))
    }

    fn apply(&self, key: &str, view: &mut Sum, event: &RecordedEvent) -> Result<(), ApplyError> {
        let added: Added = event.data()?;
        view.sum += added.amount;
        let is_last = added.keys.last().is_some_and(|last| last == key);
        match added.fault.filter(|_| is_last) {
            Some(Fault::Error) => return Err(ApplyError::new("cannot be applied")),
            Some(Fault::Panic) => panic!("cannot be applied at all"),
            None => {}
        }
        let before = view.last.insert(event.actor().clone(), event.version());
        if before.is_some_and(|before| before >= event.version()) {
            return Err(ApplyError::new(format!("{} after {before:?}", event.version())));
        }
        Ok(())
    }
}

pub(crate) fn event(position: u64, actor: &str, version: u64, added: &Added) -> RecordedEvent {
    let event = Event::new(&ActorId::new(actor).unwrap(), Version::new(version), "Added", added).unwrap();
    RecordedEvent::new(event, Position::new(position, 0), OffsetDateTime::UNIX_EPOCH, None)
}

pub(crate) fn added(keys: &[&str], amount: u64) -> Added {
    Added { keys: keys.iter().map(|key| (*key).to_owned()).collect(), amount, fault: None }
}
