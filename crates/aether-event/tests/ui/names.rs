//! Names that events cannot have.

use aether_event::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
enum AccountEvent {
    #[event(name = "aether.Opened")]
    Opened,
    #[event(name = "Renamed.v2")]
    Renamed,
    #[event(was = "Moved")]
    Relocated,
    Moved,
}

fn main() {}
