//! The rules, by theme. The list of them, with what each demands, is in [`list`](super::list).

pub(crate) mod by_name;
pub(crate) mod conflicts;
pub(crate) mod mailbox;
pub(crate) mod memory;
pub(crate) mod once;
pub(crate) mod order;
pub(crate) mod outages;
pub(crate) mod panics;
pub(crate) mod queries;
pub(crate) mod saving;
pub(crate) mod shutdown;
pub(crate) mod snapshots;
pub(crate) mod time_travel;
