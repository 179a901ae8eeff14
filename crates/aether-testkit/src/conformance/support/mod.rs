//! What the rules are written with: things to save, and a store whose failures fail the rule.

mod dropping;
mod fresh;
mod make;
mod or_fail;
mod store;

pub(crate) use dropping::drop_after;
pub(crate) use fresh::{Fresh, WRITERS, events_of};
pub(crate) use make::{actor, event, json, payload_event, series, v};
pub(crate) use or_fail::OrFail;
pub(crate) use store::{Store, numbers};
