//! How actors of one kind run in one process.
//!
//! Each actor in memory is a [`cell`]; what is in it is [`loaded`] from the store. Commands that wait are decided together
//! by the pure [`plan`], and [`turn`] makes the plan stand or does it again. [`memory_limit`] says who leaves memory.

pub(crate) mod cell;
pub(crate) mod evict;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod loaded;
pub(crate) mod observed;
pub(crate) mod plan;
pub(crate) mod executed_commands;
pub(crate) mod memory_limit;
pub(crate) mod save;
pub(crate) mod snapshot;
pub(crate) mod system_event;
pub(crate) mod turn;
pub(crate) mod mailbox_item;
