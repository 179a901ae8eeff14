//! Golden data: this version reads and continues what earlier versions have stored.
//!
//! `tests/golden` holds what was recorded, and its README the rule: nothing there is ever changed. Each recording is loaded
//! into fresh servers, of the newest version and of the lowest that is supported.
//!
//! With the environment variable `AETHER_RECORD_GOLDEN` set to the name of a recording, [`recording::recorded_by_this_code`]
//! keeps what it records as `tests/golden/<name>`.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod events;
mod expected;
mod other_formats;
mod recording;
mod resume;
mod stream;
mod system;
mod timers;
mod world;
