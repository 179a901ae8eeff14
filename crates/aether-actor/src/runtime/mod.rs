//! How actors of one kind run in one process.
//!
//! An [`ActorHost`](host::ActorHost) has a [`cell`] for each of its actors in memory, with a mailbox of
//! [items](mailbox_item::MailboxItem) and what is [`loaded`] from the store. A [`turn`] takes the items that wait, makes the
//! actor [`ready`], decides them together by the pure [`plan`], and [saves](save) that. Actors leave memory by
//! [`passivation`], at the latest when the [`memory_limit`] says so.

pub(crate) mod backoff;
pub(crate) mod cell;
pub(crate) mod command_item;
pub(crate) mod executed_commands;
pub(crate) mod host;
pub(crate) mod load;
pub(crate) mod loaded;
pub(crate) mod mailbox_item;
pub(crate) mod memory_limit;
mod passivation;
pub(crate) mod plan;
pub(crate) mod query_item;
mod ready;
mod save;
pub(crate) mod shared;
pub(crate) mod system_event;
pub(crate) mod turn;
