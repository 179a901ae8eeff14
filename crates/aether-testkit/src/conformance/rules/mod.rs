//! The rules, by theme. The list of them, with what each demands, is in [`list`](super::list).

pub(crate) mod actors;
pub(crate) mod atomicity;
pub(crate) mod cancellation;
pub(crate) mod capacity;
pub(crate) mod categories;
pub(crate) mod commits;
pub(crate) mod concurrency;
pub(crate) mod confirm;
pub(crate) mod expectations;
pub(crate) mod fields;
pub(crate) mod handles;
pub(crate) mod ids;
pub(crate) mod model;
pub(crate) mod namespaces;
pub(crate) mod notes;
pub(crate) mod payloads;
pub(crate) mod reading;
pub(crate) mod resend;
pub(crate) mod retention;
pub(crate) mod snapshot_store;
pub(crate) mod snapshots_and_events;
pub(crate) mod versions;
