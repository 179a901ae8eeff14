//! [`Backoff`]: how long to wait before the next try.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(250);

/// Waits longer from try to try, each time a random part of it, until a deadline.
#[derive(Debug)]
pub struct Backoff {
    deadline: Instant,
    next: Duration,
}

impl Backoff {
    /// A back-off that ends at `deadline`.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, next: FIRST }
    }

    /// A back-off that never ends.
    #[must_use]
    pub fn endless() -> Self {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
        Self::until(Instant::now() + CENTURY)
    }

    /// Returns when it ends.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Waits. Returns false if the deadline comes first.
    pub async fn wait(&mut self) -> bool {
        let wait = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        let until = Instant::now() + wait;
        if until >= self.deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }
}
