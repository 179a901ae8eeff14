//! The runtime of actors on the memory store, held against its contract; and stores with faults, which the rules find.

mod faults;
mod memory;
mod mutants;
