//! [`Timing`]: how long a singleton is held and how often that is renewed, and what of it goes together.

use std::time::Duration;

use super::SingletonError;

/// How fast or slow a node's clock may run: a tenth more or less than it should.
const SLOWEST: f64 = 0.9;
/// What of the time to live the servers' clocks must be allowed to differ by.
const LEAST_TOLERANCE: f64 = 0.1;

/// The times of a singleton, which all its candidates should have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timing {
    /// How long the servers keep the key.
    pub(super) ttl: Duration,
    /// How often the holder renews it.
    pub(super) renew_every: Duration,
    /// How long after it has sent the last acknowledged renewal the holder stops.
    pub(super) stop_after: Duration,
    /// How often, at least, a candidate looks.
    pub(super) poll_every: Duration,
}

impl Default for Timing {
    /// For buckets of three replicas: their writes are held up for 4 to 9 s when a server is killed, and the holder lives
    /// through that.
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(17),
            renew_every: Duration::from_secs(2),
            stop_after: Duration::from_secs(13),
            poll_every: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// By how much the servers' clocks may differ: what is left of the time to live when the slowest holder has stopped.
    pub(super) fn clock_tolerance(&self) -> Duration {
        self.ttl.saturating_sub(self.stop_after.div_f64(SLOWEST))
    }

    pub(super) fn check(&self) -> Result<(), SingletonError> {
        let Self { ttl, renew_every, stop_after, poll_every } = *self;
        let invalid = |option, problem| Err(SingletonError::Invalid { option, problem });
        if ttl.is_zero() || ttl.subsec_nanos() != 0 {
            return invalid("ttl", format!("servers count in whole seconds, and {ttl:?} is none"));
        }
        if renew_every.is_zero() {
            return invalid("renew_every", "it cannot be 0".to_owned());
        }
        if poll_every.is_zero() {
            return invalid("poll_every", "it cannot be 0".to_owned());
        }
        if self.clock_tolerance() < ttl.mul_f64(LEAST_TOLERANCE) {
            let most = ttl.mul_f64((1.0 - LEAST_TOLERANCE) * SLOWEST);
            return invalid(
                "stop_after",
                format!(
                    "with a ttl of {ttl:?} it can be {most:?} at most, so that clocks may run wrong by a tenth and the \
                     servers' may differ"
                ),
            );
        }
        if stop_after < renew_every * 2 {
            return invalid(
                "stop_after",
                format!("it must be 2 × renew_every, {:?}, at least", renew_every * 2),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_leaves_the_servers_two_seconds_and_a_half() {
        let timing = Timing::default();
        timing.check().unwrap();
        assert!(
            (Duration::from_millis(2_500)..Duration::from_millis(2_600)).contains(&timing.clock_tolerance())
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_its_name() {
        let ms = Duration::from_millis;
        let timing = Timing::default();
        for (timing, option) in [
            (Timing { ttl: ms(17_500), ..timing }, "ttl"),
            (Timing { ttl: ms(0), ..timing }, "ttl"),
            (Timing { ttl: ms(16_000), ..timing }, "stop_after"),
            (Timing { stop_after: ms(13_800), ..timing }, "stop_after"),
            (Timing { stop_after: ms(3_900), ..timing }, "stop_after"),
            (Timing { renew_every: ms(0), ..timing }, "renew_every"),
            (Timing { poll_every: ms(0), ..timing }, "poll_every"),
        ] {
            let error = timing.check().unwrap_err();
            assert!(
                matches!(&error, SingletonError::Invalid { option: found, .. } if *found == option),
                "{error}"
            );
        }
    }
}
