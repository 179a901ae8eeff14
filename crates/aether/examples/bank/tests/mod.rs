//! What the bank is held to.

mod board;
mod histories;
mod properties;
mod schemas;
mod scenarios;
mod whole;
