//! The errors of requests ([`NoAnswer`]) and of calls of the JetStream API ([`ApiError`], [`CallError`]), and the
//! permissions that the server denied to a connection ([`Denials`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aether_core::{ReadError, Source};
use async_nats::{ConnectOptions, Event, ServerError};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::Instant;

/// The stream does not exist.
const STREAM_NOT_FOUND: u32 = 10059;
/// A stream of this name exists, with another configuration.
const STREAM_NAME_IN_USE: u32 = 10058;
/// JetStream is not enabled, for the server or the account.
const NOT_ENABLED: [u32; 2] = [10039, 10076];
/// The last message of the subject is not the expected one; on replicas also: another one is being stored.
const WRONG_LAST_SEQUENCE: [u32; 2] = [10071, 10164];

/// The reasons why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The subject has no subscriber: the request was not delivered.
    #[error("nobody answers on {subject}")]
    NoResponders {
        /// The subject of the request.
        subject: String,
    },
    /// Nothing came in time; the question may have been delivered.
    #[error(
        "no answer on {subject} within {waited:?}; if the server runs, the credentials may lack a permission"
    )]
    TimedOut {
        /// The subject of the request.
        subject: String,
        /// The time that the request has waited.
        waited: Duration,
    },
    /// The connection was lost and made anew; the question may have been delivered.
    #[error("the connection was lost while waiting for an answer on {subject}")]
    Reconnected {
        /// The subject of the request.
        subject: String,
    },
    /// The server refused the question.
    #[error("{0}")]
    Denied(String),
    /// The client could not send it.
    #[error("the question could not be sent")]
    NotSent(#[source] Source),
    /// The connection is closed for good; the question may have been delivered.
    #[error("the connection is closed")]
    Closed,
}

impl NoAnswer {
    /// Returns whether the question cannot have been delivered.
    #[must_use]
    pub fn is_undelivered(&self) -> bool {
        matches!(self, Self::NoResponders { .. } | Self::Denied(_) | Self::NotSent(_))
    }
}

/// An error that JetStream answered.
#[derive(Debug, Clone, Deserialize, thiserror::Error)]
#[error("{description} (JetStream error {err_code})")]
pub struct ApiError {
    /// The status, as in HTTP.
    pub code: u16,
    /// The number of the error.
    #[serde(default)]
    pub err_code: u32,
    /// The server's words.
    #[serde(default)]
    pub description: String,
}

/// The reasons why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer came.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The answer cannot be read.
    #[error("an answer that cannot be understood")]
    Garbled(#[source] Source),
    /// Another stream answered, so it is not known what became of the message in the expected one.
    #[error(
        "stream {found} answered instead of stream {wanted}: both capture the subject of the message; give them subjects \
         that do not overlap"
    )]
    WrongStream {
        /// The expected stream, and its domain.
        wanted: String,
        /// The stream that answered, and its domain.
        found: String,
    },
    /// The stream was deleted and made again.
    #[error("the stream has been deleted and made again: it is another one")]
    Replaced,
}

impl CallError {
    /// Returns whether the same call may get a result later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(no_answer) => !matches!(no_answer, NoAnswer::Denied(_) | NoAnswer::Closed),
            Self::Refused(error) => error.code >= 500,
            Self::Garbled(_) | Self::Replaced | Self::WrongStream { .. } => false,
        }
    }

    /// Returns whether waiting cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !self.is_transient() && !matches!(self, Self::Refused(_))
    }

    /// Returns the number of the error that JetStream answered; 0 if it was none.
    #[must_use]
    pub fn number(&self) -> u32 {
        if let Self::Refused(error) = self { error.err_code } else { 0 }
    }

    /// Returns whether the server says that there is no such stream.
    #[must_use]
    pub fn is_stream_missing(&self) -> bool {
        self.number() == STREAM_NOT_FOUND
    }

    /// Returns whether a stream of that name exists already, with other settings.
    pub(crate) fn is_name_in_use(&self) -> bool {
        self.number() == STREAM_NAME_IN_USE
    }

    /// Returns whether JetStream is not enabled.
    #[must_use]
    pub fn is_not_enabled(&self) -> bool {
        NOT_ENABLED.contains(&self.number())
    }

    /// Returns whether the expectation of a message does not hold (or, on replicas, does not hold yet).
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        WRONG_LAST_SEQUENCE.contains(&self.number())
    }
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoAnswer(NoAnswer::Denied(operation)) => Self::PermissionDenied { operation },
            CallError::Garbled(source) => {
                Self::Corrupt { what: "an answer of the server".into(), source: Some(source) }
            }
            CallError::Replaced => {
                Self::Corrupt { what: "the stream that was read".into(), source: Some(error.into()) }
            }
            other => Self::Unavailable(other.into()),
        }
    }
}

/// The number of denials that are remembered.
const REMEMBERED: usize = 64;

/// Remembers what the server denied to a connection.
///
/// The server reports a denied publish or subscription only to the connection's event callback; callers that wait for the
/// answer see a timeout. A store or a bucket that is opened with these denials reports the denial instead.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # use aether_nats::Denials;
/// let denials = Denials::new();
/// let options = async_nats::ConnectOptions::with_user_and_password("app".into(), "secret".into());
/// let client = denials.watch(options).connect("nats://localhost:4222").await?;
/// // JetStreamEventStore::open(client, JetStreamConfig::new("events").denials(denials)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Denials(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    last: VecDeque<(Instant, String)>,
}

impl Denials {
    /// Denials without any so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `options` report denials here. Replaces their event callback; a callback of your own calls
    /// [`see`](Self::see) instead.
    #[must_use]
    pub fn watch(&self, options: ConnectOptions) -> ConnectOptions {
        let denials = self.clone();
        options.event_callback(move |event| {
            denials.see(&event);
            std::future::ready(())
        })
    }

    /// Takes note of an event of the connection.
    pub fn see(&self, event: &Event) {
        let Event::ServerError(ServerError::Other(text)) = event else { return };
        if !text.to_ascii_lowercase().contains("permissions violation") {
            return;
        }
        let mut seen = self.0.lock();
        if seen.last.len() == REMEMBERED {
            seen.last.pop_front();
        }
        seen.last.push_back((Instant::now(), text.clone()));
        seen.count += 1;
    }

    /// Returns how many denials there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.lock().count
    }

    /// Returns what was denied about this subject since then, in the server's words.
    #[must_use]
    pub fn since(&self, sent: Instant, subject: &str) -> Option<String> {
        let named = format!("\"{subject}\"");
        let seen = self.0.lock();
        let found = seen.last.iter().rev().find(|(at, text)| *at >= sent && text.contains(&named));
        found.map(|(_, text)| text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_found_by_its_subject_and_time() {
        let denials = Denials::new();
        let before = Instant::now();
        let text = "Permissions Violation for Publish to \"a.b\"";
        denials.see(&Event::ServerError(ServerError::Other(text.into())));
        denials.see(&Event::ServerError(ServerError::Other("something else \"a.c\"".into())));
        assert_eq!(denials.since(before, "a.b").as_deref(), Some(text));
        assert_eq!(denials.since(before, "a"), None);
        assert_eq!(denials.since(before, "a.c"), None);
        assert_eq!(denials.since(Instant::now() + Duration::from_secs(1), "a.b"), None);
    }
}
