//! [`Timer`], the [`TimerId`] that names it, and the errors of timers.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use time::{OffsetDateTime, UtcOffset};

use crate::error::{Source, Unsupported};
use crate::{ActorId, token};

/// The id of a timer: an actor, and a name among the actor's timers.
///
/// Cloning is cheap (reference counts).
///
/// ```
/// use aether_core::{ActorId, TimerId};
///
/// let id = TimerId::new(&ActorId::new("order-123")?, "remind to pay")?;
/// assert_eq!(id.subject(), "order.123.remind%20to%20pay");
/// assert_eq!(TimerId::from_subject(&id.subject()), Some(id));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId {
    actor: ActorId,
    name: Arc<str>,
}

impl TimerId {
    /// The longest name, in bytes of its subject token: every byte outside `[A-Za-z0-9_-]` counts three there.
    pub const MAX_ENCODED_NAME: usize = 256;

    /// The timer of this name of an actor. A name is any text that is not empty.
    ///
    /// # Errors
    /// [`InvalidTimer::EmptyName`]; [`InvalidTimer::NameTooLong`] if the name takes more than
    /// [`MAX_ENCODED_NAME`](Self::MAX_ENCODED_NAME) bytes.
    pub fn new(actor: &ActorId, name: impl AsRef<str>) -> Result<Self, InvalidTimer> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidTimer::EmptyName);
        }
        let encoded = token::encoded_len(Some(name));
        if encoded > Self::MAX_ENCODED_NAME {
            return Err(InvalidTimer::NameTooLong { encoded });
        }
        Ok(Self { actor: actor.clone(), name: name.into() })
    }

    /// Returns the actor of the timer.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.actor
    }

    /// Its name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The three subject tokens of the id, `<category>.<key>.<name>`: injective, and without a character that acts.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut out = String::with_capacity(self.actor.as_str().len() + self.name.len() + 4);
        self.write_subject(&mut out);
        out
    }

    /// Appends [`subject`](Self::subject) to `out`.
    pub fn write_subject(&self, out: &mut String) {
        self.actor.write_subject(out);
        out.push('.');
        token::encode_into(Some(&self.name), out);
    }

    /// The id whose [`subject`](Self::subject) this is; `None` if no timer has it.
    #[must_use]
    pub fn from_subject(subject: &str) -> Option<Self> {
        let (actor, name) = subject.rsplit_once('.')?;
        let actor = ActorId::from_subject(actor)?;
        Self::new(&actor, token::decode(name)??).ok()
    }
}

impl fmt::Display for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.name, self.actor)
    }
}

/// A timer: the time at which to wake a listener, and the payload to hand out then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timer {
    /// The id of the timer.
    pub id: TimerId,
    /// The time at which the timer is due, in UTC.
    pub at: OffsetDateTime,
    /// The payload, which the store hands out byte by byte as it was set.
    pub payload: Bytes,
}

impl Timer {
    /// The latest time that a timer can be set to. Servers count nanoseconds since 1970 in 63 bits, which end in 2262.
    pub const LATEST: OffsetDateTime = time::macros::datetime!(2262-01-01 00:00 UTC);

    /// A timer that is due at a time, which may have passed.
    ///
    /// # Errors
    /// [`InvalidTimer::TooFarAhead`] if the time is after [`LATEST`](Self::LATEST).
    pub fn new(id: TimerId, at: OffsetDateTime, payload: impl Into<Bytes>) -> Result<Self, InvalidTimer> {
        if at > Self::LATEST {
            return Err(InvalidTimer::TooFarAhead { at });
        }
        Ok(Self { id, at: at.to_offset(UtcOffset::UTC), payload: payload.into() })
    }
}

/// The reason why a value is not a [`Timer`] or a [`TimerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTimer {
    /// The name has no characters.
    #[error("a timer needs a name")]
    EmptyName,
    /// The name would make too long a subject.
    #[error(
        "the name of a timer may take {} bytes when encoded (every byte outside [A-Za-z0-9_-] takes three), this one takes {encoded}",
        TimerId::MAX_ENCODED_NAME
    )]
    NameTooLong {
        /// The length of the encoded name, in bytes.
        encoded: usize,
    },
    /// The time is later than any server can count.
    #[error("a timer may be set to {} at the latest, not to {at}", Timer::LATEST)]
    TooFarAhead {
        /// The time.
        at: OffsetDateTime,
    },
}

/// The reason why a timer was not set, cancelled, handed out or acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimerError {
    /// The payload is larger than the store takes. Nothing was sent.
    #[error(
        "the timer takes {size} bytes, the limit is {limit}; keep large data elsewhere and set a reference"
    )]
    TooLarge {
        /// The size of the timer, in bytes.
        size: usize,
        /// The limit of the store, in bytes.
        limit: usize,
    },
    /// The store is full.
    #[error(
        "the store is full ({reason}); the timer was not set and no other was dropped; give it more room"
    )]
    StoreFull {
        /// The limit that is reached, in the store's words.
        reason: String,
    },
    /// The store cannot be reached. What was to be done may or may not have been; doing it again is safe.
    #[error("the timers are unavailable; it is not known whether this was done, and doing it again is safe")]
    Unavailable(#[source] Source),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// The operation that was not allowed, in the store's words.
        operation: String,
    },
    /// The store cannot do this.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
}

impl TimerError {
    /// Returns whether the same call, later, is safe and may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::StoreFull { .. })
    }

    /// Returns whether the store cannot have timers until its server is changed.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn actor(id: &str) -> ActorId {
        ActorId::new(id).unwrap()
    }

    #[test]
    fn names_have_a_length() {
        let name = |name: &str| TimerId::new(&actor("order-1"), name);
        assert_eq!(name(""), Err(InvalidTimer::EmptyName));
        assert!(name(&"x".repeat(256)).is_ok());
        assert_eq!(name(&"x".repeat(257)), Err(InvalidTimer::NameTooLong { encoded: 257 }));
        assert_eq!(name(&".".repeat(86)), Err(InvalidTimer::NameTooLong { encoded: 258 }));
    }

    #[test]
    fn times_have_an_end_and_are_in_utc() {
        let at = |at| Timer::new(TimerId::new(&actor("order-1"), "t").unwrap(), at, "").map(|timer| timer.at);
        assert_eq!(at(Timer::LATEST), Ok(Timer::LATEST));
        let after = Timer::LATEST + time::Duration::NANOSECOND;
        assert_eq!(at(after), Err(InvalidTimer::TooFarAhead { at: after }));
        let noon = datetime!(2030-06-01 14:00 +2);
        assert_eq!(at(noon).map(|at| (at == noon, at.offset())), Ok((true, UtcOffset::UTC)));
        assert!(at(datetime!(-9999-01-01 0:00 UTC)).is_ok());
    }

    proptest! {
        #[test]
        fn a_subject_names_its_timer_and_no_other(id in ".{1,40}", name in ".{1,21}") {
            let id = TimerId::new(&actor(&id), name).unwrap();
            let subject = id.subject();
            prop_assert_eq!(subject.matches('.').count(), 2);
            prop_assert_eq!(TimerId::from_subject(&subject), Some(id));
        }

        #[test]
        fn a_subject_that_no_timer_has_is_refused(subject in "[a-z%~.=-]{0,9}") {
            if let Some(id) = TimerId::from_subject(&subject) {
                prop_assert_eq!(id.subject(), subject);
            }
        }
    }

    #[test]
    fn an_error_says_whether_to_try_again() {
        assert!(TimerError::Unavailable("gone".into()).is_retryable());
        assert!(TimerError::StoreFull { reason: "maximum bytes exceeded".into() }.is_retryable());
        let unsupported = TimerError::from(Unsupported::new("timers", "another server"));
        assert!(unsupported.is_unsupported() && !unsupported.is_retryable());
        assert!(!TimerError::TooLarge { size: 2, limit: 1 }.is_retryable());
    }
}
