//! The baseline of all saving: the bare client, with the messages ready.

use aether_core::codec::{Codec, Envelope};
use aether_core::{Commit, Event};
use async_nats::jetstream::Context;
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;

/// How many links a commit carries at most, in the product's messages.
const LINKS: u64 = 16;

/// A message that is ready to be sent but for its expectation.
pub(crate) struct Message {
    /// Whose it is, by its number among the actors of its lane.
    actor: usize,
    subject: String,
    payload: Bytes,
}

impl Message {
    /// The bytes that the product would send for this event, which is the actor's `n`-th commit.
    pub(crate) fn new(stream: &str, actor: usize, event: &Event, n: u64) -> anyhow::Result<Self> {
        let commit = Commit::event(event);
        let parts = commit.parts()?;
        // Sequences as far apart as they are when ten thousand actors write in turn.
        let links: Vec<u64> = (1..n).rev().take(LINKS as usize).map(|commit| commit * 10_000).collect();
        let envelope = Envelope {
            source: stream,
            part: &parts[0],
            links: &links,
            version: event.version(),
            marks: None,
        };
        let mut payload = Vec::new();
        Codec::CloudEventsJson.encode(&envelope, &mut payload);
        let subject = format!("{stream}.{}", event.actor().subject());
        Ok(Self { actor, subject, payload: payload.into() })
    }
}

/// Publishes the messages one after the other, each expecting the last of its actor and awaiting its ack.
pub(crate) async fn publish(
    context: &Context,
    messages: &[Message],
    last: &mut [u64],
    mut acked: impl FnMut(),
) -> anyhow::Result<()> {
    for message in messages {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", HeaderValue::from(last[message.actor]));
        let sent = context.publish_with_headers(message.subject.clone(), headers, message.payload.clone());
        last[message.actor] = sent.await?.await?.sequence;
        acked();
    }
    Ok(())
}
