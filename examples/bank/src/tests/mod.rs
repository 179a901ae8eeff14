//! What the bank is held to.

mod board;
mod books;
mod histories;
mod processes;
mod properties;
mod scenarios;
mod schemas;
mod whole;
