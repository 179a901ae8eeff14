//! What `/metrics` says, compared with what was done. All tests of this program share its one recorder, and keep apart by
//! namespace.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod actors;
mod buses;
mod docs;
mod groups;
mod outages;
mod reactors;
mod scrape;
mod stores;
mod subscriptions;
