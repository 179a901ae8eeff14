//! What the rules are written with: things to save, and a store whose failures fail the rule.

mod fresh;
mod log;
mod reader;
mod store;
mod timers;

pub(crate) use fresh::{Fresh, WRITERS, events_of};
pub(crate) use log::{
    Known, a_log, a_long_log, actor, after, event, json, mark, matching, next_events, note, payload_event,
    save_next, series, typed, v,
};
pub(crate) use reader::{Reader, all_until};
pub(crate) use store::{Store, numbers, race};
pub(crate) use timers::{Alarm, Listener, after_ms, sorted, timer, timer_id};

pub(crate) use crate::checks::{OrFail, assert_same, drop_after};
