//! [`TakesLeases`]: whether the servers let keys of the bucket expire.

use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::jetstream::stream::Config;
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::CoordinationError;

/// The first server that knows of messages with a time to live.
const FIRST_SERVER: (u64, u64) = (2, 11);

/// Whether messages with a time to live were found to be allowed. It is looked at before any is sent: a server that does
/// not know of them keeps them for ever, and says nothing. Once allowed, they stay so.
#[derive(Debug, Default)]
pub(crate) struct TakesLeases(AtomicBool);

impl TakesLeases {
    /// What the server says of the stream; one that does not know the setting has left it out.
    pub(crate) fn note(&self, found: &Config) {
        self.0.fetch_or(found.allow_message_ttl, Ordering::Relaxed);
    }

    fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Bucket {
    /// Whether leases can be kept here. What was missing when the bucket was opened may have been switched on since.
    pub(crate) async fn check_leases(&self) -> Result<(), CoordinationError> {
        if self.leases.is_known() {
            return Ok(());
        }
        self.check_not_refused()?;
        let info = self.api.info(None, Instant::now() + self.deadline).await.map_err(|e| self.explain(e))?;
        self.check_created(&info.created)?;
        self.leases.note(&info.config);
        if self.leases.is_known() {
            return Ok(());
        }
        let version = self.api.client().server_info().version;
        let (name, stream) = (&self.name, self.api.stream());
        Err(CoordinationError::Refused(if is_older(&version, FIRST_SERVER) {
            format!(
                "leases need nats-server 2.11 or later, this is {version}; upgrade all servers, then run `nats stream edit \
                 {stream} --allow-msg-ttl`"
            )
        } else {
            format!(
                "bucket {name} was made without keys that expire; run `nats stream edit {stream} --allow-msg-ttl`, or \
                 keep leases in another bucket"
            )
        }))
    }
}

/// Whether the version is known and before `first`.
fn is_older(version: &str, first: (u64, u64)) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let found = numbers.next().zip(numbers.next());
    found.is_some_and(|found| found < first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_numbers() {
        for (version, older) in [
            ("2.10.26", true),
            ("1.9.0", true),
            ("2.11.0", false),
            ("2.9.1-beta", true),
            ("3.0.0", false),
            ("", false),
        ] {
            assert_eq!(is_older(version, FIRST_SERVER), older, "{version}");
        }
    }
}
