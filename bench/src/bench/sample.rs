//! The events that are saved: all alike, some 250 bytes of JSON when stored.

use aether_core::{ActorId, Event, InvalidEvent, Payload, Version};
use serde::{Deserialize, Serialize};

/// The data of every event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Placed {
    customer: String,
    total: u64,
    currency: String,
}

impl Placed {
    pub(crate) fn new() -> Self {
        Self { customer: "customer-4711".to_owned(), total: 129_900, currency: "EUR".to_owned() }
    }
}

/// This many actors of a category.
pub(crate) fn actors(category: &str, count: usize) -> anyhow::Result<Vec<ActorId>> {
    Ok((0..count).map(|n| ActorId::new(format!("{category}-{n}"))).collect::<Result<_, _>>()?)
}

/// An event of each version for each actor: first the first of all actors, then the second of all.
pub(crate) fn events(
    actors: &[ActorId],
    versions: impl IntoIterator<Item = u64>,
) -> anyhow::Result<Vec<Event>> {
    let data = Payload::json(&Placed::new())?;
    let event = |actor: &ActorId, version: u64| {
        Event::builder(actor, Version::new(version), "OrderPlaced").payload(data.clone()).build()
    };
    let all = versions.into_iter().flat_map(|version| actors.iter().map(move |actor| (actor, version)));
    Ok(all.map(|(actor, version)| event(actor, version)).collect::<Result<_, InvalidEvent>>()?)
}
