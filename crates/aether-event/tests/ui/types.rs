//! What is no enum of events.

use aether_event::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
struct AccountOpened {
    owner: String,
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum Generic<T> {
    Opened { owner: T },
}

fn main() {}
