//! Process managers, timers, effects and projections in a cluster: its nodes share them, and what each of them does is done
//! once, whoever does it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calm;
mod churn;
mod ledger;
mod load;
mod node;
mod order;
mod reservation;
mod stock;
mod tally;
mod witness;
mod world;
