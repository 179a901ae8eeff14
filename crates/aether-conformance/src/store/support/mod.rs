//! What the rules are written with: things to save, and a store whose failures fail the rule.

mod dropping;
mod fresh;
mod log;
mod make;
mod or_fail;
mod race;
mod reader;
mod same;
mod store;
mod timers;

pub(crate) use dropping::drop_after;
pub(crate) use fresh::{Fresh, WRITERS, events_of};
pub(crate) use log::{Known, a_log, a_long_log, after, mark, matching, next_events, note, save_next};
pub(crate) use make::{actor, event, json, payload_event, series, typed, v};
pub(crate) use or_fail::OrFail;
pub(crate) use race::race;
pub(crate) use reader::{Reader, all_until};
pub(crate) use same::assert_same;
pub(crate) use store::{Store, numbers};
pub(crate) use timers::{Alarm, Listener, after_ms, sorted, timer, timer_id};
