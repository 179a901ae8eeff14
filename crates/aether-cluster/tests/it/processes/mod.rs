//! Process managers, timers, effects and projections in a cluster: its nodes share them, and what each of them does is done
//! once, whoever does it.

mod calm;
mod churn;
mod ledger;
mod load;
mod node;
mod order;
mod witness;
mod world;
