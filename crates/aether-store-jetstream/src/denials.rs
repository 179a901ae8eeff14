//! [`Denials`]: what the server refused to this connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{ConnectOptions, Event, ServerError};
use tokio::time::Instant;

/// How many denials are remembered.
const REMEMBERED: usize = 64;

/// Remembers what the server denied to a connection.
///
/// A server tells a denied publish or subscription only to the connection's event callback; whoever waits for the answer
/// sees a timeout. Given to [`JetStreamConfig::denials`](crate::JetStreamConfig::denials), this turns that timeout into
/// the truth.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use aether_store_jetstream::{Denials, JetStreamConfig, JetStreamEventStore};
///
/// let denials = Denials::new();
/// let options = async_nats::ConnectOptions::with_user_and_password("app".into(), "secret".into());
/// let client = denials.watch(options).connect("nats://localhost:4222").await?;
/// let store = JetStreamEventStore::open(client, JetStreamConfig::new("events").denials(denials)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Denials(Arc<Mutex<VecDeque<(Instant, String)>>>);

impl Denials {
    /// Nothing denied so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `options` tell of denials. Replaces their event callback; whoever needs one of their own calls
    /// [`see`](Self::see) from it instead.
    #[must_use]
    pub fn watch(&self, options: ConnectOptions) -> ConnectOptions {
        let denials = self.clone();
        options.event_callback(move |event| {
            denials.see(&event);
            std::future::ready(())
        })
    }

    /// Looks at an event of the connection.
    pub fn see(&self, event: &Event) {
        let Event::ServerError(ServerError::Other(text)) = event else { return };
        if !text.to_ascii_lowercase().contains("permissions violation") {
            return;
        }
        let mut denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if denials.len() == REMEMBERED {
            denials.pop_front();
        }
        denials.push_back((Instant::now(), text.clone()));
    }

    /// What was denied about this subject since then, in the server's words.
    pub(crate) fn since(&self, sent: Instant, subject: &str) -> Option<String> {
        let denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
