//! [`until`]: waits for a condition.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::Instant;

/// How long a condition may take to come about.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
pub(super) const STEP: Duration = Duration::from_millis(2);

/// Waits until the condition holds; the rule fails if it never does.
pub(crate) async fn until(what: impl Display, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(STEP).await;
    }
}
