//! [`Denials`]: the permissions that the server denied to a connection.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{ConnectOptions, Event, ServerError};
use tokio::time::Instant;

/// How many denials are remembered.
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
pub struct Denials(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// How many denials there were.
    count: AtomicU64,
    last: Mutex<VecDeque<(Instant, String)>>,
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
        let mut denials = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if denials.len() == REMEMBERED {
            denials.pop_front();
        }
        denials.push_back((Instant::now(), text.clone()));
        self.0.count.fetch_add(1, Ordering::Release);
    }

    /// Returns how many denials there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Acquire)
    }

    /// Returns what was denied about this subject since then, in the server's words.
    #[must_use]
    pub fn since(&self, sent: Instant, subject: &str) -> Option<String> {
        let denials = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let named = format!("\"{subject}\"");
        denials
            .iter()
            .rev()
            .find(|(at, text)| *at >= sent && text.contains(&named))
            .map(|(_, text)| text.clone())
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
        assert_eq!(denials.since(Instant::now() + std::time::Duration::from_secs(1), "a.b"), None);
    }
}
