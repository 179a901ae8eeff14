//! Versions and upcasters that do not fit together.

use aether_event::{DomainEvent, Old, Upcast, UpcastError};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
enum Zero {
    #[event(version = 0)]
    Opened,
}

#[derive(Serialize, Deserialize, DomainEvent)]
#[event(retired("Frozen"))]
#[event(retired("Thawed", upcast(1 = same)))]
enum AccountEvent {
    #[event(version = 3, upcast(1 = same))]
    Deposited { cents: u64 },
    #[event(upcast(1 = same))]
    Withdrawn { cents: u64 },
    #[event(version = 2, upcast(1 = same => "Close"))]
    Closed,
}

#[derive(Serialize, Deserialize, DomainEvent)]
enum WrongFunction {
    #[event(version = 2, upcast(1 = plus_one))]
    Counted(u64),
}

fn same(old: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(old.data))
}

fn plus_one(old: u64) -> u64 {
    old + 1
}

fn main() {}
