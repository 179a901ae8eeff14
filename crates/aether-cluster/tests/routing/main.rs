//! Commands and queries on their way through a real NATS, while shards move by hand and nodes freeze and die.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../../aether-actor/tests/it/account.rs"]
mod account;
mod failing;
mod load;
mod moving;
mod world;
