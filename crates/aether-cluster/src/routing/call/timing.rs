//! [`Timing`]: how long attempts are awaited, and when the next one is made.

use std::time::Duration;

/// How long attempts are awaited, and when the next one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the first attempt is awaited; each later one twice as long as the one before.
    pub attempt: Duration,
    /// How long an attempt is awaited at most.
    pub longest_attempt: Duration,
    /// How long to pause at most after the first attempt that was not begun; twice as long after each later one. A random
    /// part of it, at least half.
    pub pause: Duration,
    /// How long a pause is at most.
    pub longest_pause: Duration,
    /// How long an attempt is still awaited once somebody else acts for the actor.
    pub moved: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(1),
            longest_attempt: Duration::from_secs(4),
            pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(250),
            moved: Duration::from_millis(250),
        }
    }
}
