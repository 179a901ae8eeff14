//! [`Leases`]: keys that go by themselves.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Condition, CoordinationError, Key, KeyValue, Revision};

/// Keys with a time to live: whoever wrote one and has come to harm does not keep it.
///
/// # The contract
/// That of [`KeyValue`] holds for these writes too. Beyond it:
/// - A lease that was acknowledged is there for its time to live at least, counted from the beginning of the call, unless
///   it is written again or deleted; after that it goes by itself, within about a second more. Each write has a time of its
///   own: nothing is left of the one before it, and nothing of a key that was deleted or has expired.
/// - A [`put`](KeyValue::put) over a lease makes it a key that stays.
/// - Time is that of the servers' wall clocks. A clock that is set forward, or another server that takes over and whose
///   clock is ahead, ends leases earlier by that much.
/// - That a lease has expired is not told to those who [watch](KeyValue::watch).
#[async_trait]
pub trait Leases: KeyValue {
    /// Writes the key for a time, if the condition holds. To keep it for longer is to write it again.
    ///
    /// `ttl` is in whole seconds, one or more.
    ///
    /// # Errors
    /// [`CoordinationError::Conflict`] if the condition does not hold; [`CoordinationError::Refused`] as
    /// [`check_leases`](Self::check_leases), and if `ttl` is not in whole seconds.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the write stands.
    async fn lease(
        &self,
        key: &Key,
        value: Bytes,
        condition: Condition,
        ttl: Duration,
    ) -> Result<Revision, CoordinationError>;

    /// Whether leases can be kept here, for those who would rather know before they need one.
    ///
    /// # Errors
    /// [`CoordinationError::Refused`] if not, with what to do about it.
    async fn check_leases(&self) -> Result<(), CoordinationError>;
}

/// The time to live in the seconds that servers count in: they would cut off fractions in silence.
pub(crate) fn whole_seconds(ttl: Duration) -> Result<u64, CoordinationError> {
    if ttl.as_secs() == 0 || ttl.subsec_nanos() != 0 {
        return Err(CoordinationError::Refused(format!(
            "a lease lives for whole seconds, one or more: {ttl:?} will not do"
        )));
    }
    Ok(ttl.as_secs())
}
