//! The runtime of actors on the memory store, held against its contract; and stores with faults, which the rules find.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod faults;
mod memory;
mod mutants;
