//! [`Order`], [`Retry`] and [`ParkLimits`]: how a group handles its events.

use std::time::Duration;

/// The scope in which events are handled one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Order {
    /// Events of one actor. Different actors do not wait for each other: one that is tried again holds up nobody.
    #[default]
    Actor,
    /// Events of one partition, in the order of their positions. A failing actor holds up its partition until it is
    /// parked.
    Partition,
}

/// The number of attempts at an event that fails, and the delays between them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// The attempts at an event before its actor is parked, the first included. 8 by default.
    pub attempts: u32,
    /// The delay before the second attempt; it doubles from one to the next. 100 ms by default.
    pub base: Duration,
    /// The longest delay. 10 s by default.
    pub max: Duration,
    /// The part of each delay, from 0 to 1, that is left to chance. 0.2 by default.
    pub jitter: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 8, base: Duration::from_millis(100), max: Duration::from_secs(10), jitter: 0.2 }
    }
}

impl Retry {
    /// Sets the number of attempts, the first included; at least one.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the delays: the first, and the longest.
    #[must_use]
    pub fn delays(mut self, base: Duration, max: Duration) -> Self {
        (self.base, self.max) = (base, max);
        self
    }

    /// Sets the part of each delay, from 0 to 1, that is left to chance.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part.clamp(0.0, 1.0);
        self
    }

    /// The delay after `failed` attempts, where `chance` is a number from 0 to 1.
    #[must_use]
    pub fn delay(&self, failed: u32, chance: f64) -> Duration {
        let doubled = 1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.base.saturating_mul(doubled).min(self.max);
        whole.mul_f64((1.0 - self.jitter * chance).clamp(0.0, 1.0))
    }
}

/// The limits of parked actors in one partition. Where there is no more room the partition halts and goes on trying: a
/// database that is broken must not park the whole world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParkLimits {
    /// The number of actors. 256 by default.
    pub actors: usize,
    /// The bytes that the partition's record may take with them. 256 KiB by default.
    pub bytes: usize,
}

impl Default for ParkLimits {
    fn default() -> Self {
        Self { actors: 256, bytes: 256 * 1024 }
    }
}

impl ParkLimits {
    /// Sets the number of actors.
    #[must_use]
    pub fn actors(mut self, actors: usize) -> Self {
        self.actors = actors;
        self
    }

    /// Sets the bytes of the record.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let retry = Retry::default().delays(Duration::from_millis(100), Duration::from_secs(1)).jitter(0.5);
        let millis = |failed, chance| retry.delay(failed, chance).as_millis();
        assert_eq!([1, 2, 3, 4, 5, 99].map(|failed| millis(failed, 0.0)), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(millis(1, 1.0), 50);
    }
}
