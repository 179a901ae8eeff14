//! The nats-server harness against real servers.
#![expect(clippy::expect_used, reason = "the helpers of tests fail as tests do")]

mod client;
mod cluster;
mod proxy;
mod single;
mod watchdog;

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `condition` holds; fails the test after a minute.
#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
