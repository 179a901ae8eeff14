//! Keys that there are not, and serde's that cannot be.

use aether_event::DomainEvent;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
#[event(prefix = "Account")]
enum OnEnum {
    Opened,
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum OnVariant {
    #[event(rename = "AccountOpened")]
    Opened,
}

#[derive(Serialize, Deserialize, DomainEvent)]
#[serde(tag = "type")]
enum Tagged {
    Opened,
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum Skipped {
    #[serde(skip)]
    Opened,
}

fn main() {}
