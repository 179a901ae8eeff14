//! The rules: a file for each subject, and a module in it for each theme. The list of them, with what each demands, is in
//! [`list`](super::list).

mod actor_lists;
pub(crate) mod catching_up;
mod due_timers;
mod event_data;
mod event_ids;
mod expectation;
mod following;
mod interruption;
mod models;
mod one_commit;
mod positions;
mod racing;
pub(crate) mod reading;
pub(crate) mod retention;
mod snapshotting;
mod storages;
mod timers;
pub(crate) mod whole_commits;

pub(crate) use actor_lists::{actors, categories};
pub(crate) use due_timers::{handing_out, timer_handles, timer_outages};
pub(crate) use event_data::{fields, payloads};
pub(crate) use event_ids::{ids, resend};
pub(crate) use expectation::{expectations, versions};
pub(crate) use following::{filters, subscribing, subscriptions};
pub(crate) use interruption::{cancellation, outages};
pub(crate) use models::{model, subscription_model};
pub(crate) use one_commit::{atomicity, commits, notes};
pub(crate) use positions::{expired_positions, positions_go_by};
pub(crate) use racing::{concurrency, confirm};
pub(crate) use snapshotting::{snapshot_store, snapshots_and_events};
pub(crate) use storages::{capacity, handles, namespaces};
pub(crate) use timers::{setting_timers, timer_ids};
