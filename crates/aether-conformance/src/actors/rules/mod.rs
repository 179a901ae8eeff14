//! The rules: a file for each subject, and a module in it for each theme. The list of them, with what each demands, is in
//! [`list`](super::list).

mod earlier_states;
mod execution;
mod failures;
mod lifetime;
mod queueing;
mod replies;

pub(crate) use earlier_states::{snapshots, time_travel};
pub(crate) use execution::{by_name, once};
pub(crate) use failures::{outages, panics};
pub(crate) use lifetime::{memory, shutdown};
pub(crate) use queueing::{mailbox, order};
pub(crate) use replies::{conflicts, queries, saving};
