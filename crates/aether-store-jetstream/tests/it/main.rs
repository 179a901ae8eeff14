//! The store on real nats-servers: opening, permissions, histories, subscriptions, timers, faults and topologies.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod credentials;
mod history;
mod open;
mod permissions;
mod subscribe;
mod subscribe_cluster_faults;
mod subscribe_faults;
mod timers;
mod timers_open;
mod topology;
