//! Signals over core NATS.

use aether_nats::NoAnswer;
use async_nats::connection::State;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::bucket::Bucket;
use crate::{CoordinationError, Heard, Key};

impl Bucket {
    fn topic(&self, topic: &Key) -> String {
        format!("{}.{}.{topic}", self.signal_prefix, self.name)
    }

    pub(crate) async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError> {
        self.check_not_refused()?;
        let client = self.api.client();
        let (size, limit) = (message.len(), client.max_payload());
        if size > limit {
            return Err(CoordinationError::TooLarge { size, limit });
        }
        // The client would keep it and send it after a reconnect, when it is not true any more.
        if client.connection_state() != State::Connected {
            return Err(CoordinationError::Unavailable("the connection is down".into()));
        }
        let subject = self.topic(topic);
        let asked = Instant::now();
        let until = self.api.attempt_until(asked + self.deadline);
        match timeout_at(until, client.publish(subject.clone(), message)).await {
            Ok(sent) => sent.map_err(|e| CoordinationError::Unavailable(e.into())),
            Err(_) => Err(CoordinationError::Unavailable(
                NoAnswer::TimedOut { subject, waited: asked.elapsed() }.into(),
            )),
        }
    }

    pub(crate) async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError> {
        let deadline = Instant::now() + self.deadline;
        self.check_not_refused()?;
        let subscribing = self.api.client().subscribe(self.topic(topic));
        let unavailable = |e: aether_core::Source| CoordinationError::Unavailable(e);
        let heard = match timeout_at(deadline, subscribing).await {
            Ok(heard) => heard.map_err(|e| unavailable(e.into()))?,
            Err(_) => {
                return Err(unavailable(
                    NoAnswer::TimedOut { subject: self.topic(topic), waited: self.deadline }.into(),
                ));
            }
        };
        // That the client has sent the subscription does not mean that the server has it.
        self.api.inbox().round_trip(deadline).await.map_err(|e| unavailable(e.into()))?;
        self.look(deadline).await?;
        Ok(heard.map(|message| message.payload).boxed())
    }
}
