//! Watching the keys below a prefix.

use std::sync::Arc;
use std::time::Duration;

use aether_nats::{Backoff, Delivery, nanos};
use async_nats::{StatusCode, Subscriber};
use async_stream::stream;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::bucket::{Bucket, Stored};
use crate::{Change, Changes, CoordinationError, Key};

/// How often an idle consumer says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long no message and no heartbeat may come before the consumer counts as lost.
const SILENCE: Duration = Duration::from_secs(3);
/// How long a consumer whose watcher has gone stays on the server.
const INACTIVE: Duration = Duration::from_secs(10);

/// A consumer on the server, which is made again from the sequence after the last one seen whenever it is lost.
struct Consumer {
    messages: Subscriber,
    delivered: u64,
    connects: u64,
}

pub(crate) async fn watch(bucket: Arc<Bucket>, prefix: &Key) -> Result<Changes, CoordinationError> {
    let deadline = Instant::now() + bucket.deadline;
    bucket.check_not_refused()?;
    let filter = format!("{}.>", bucket.subject(prefix));
    let mut next = bucket.look(deadline).await? + 1;
    let mut consumer = create(&bucket, &filter, next, deadline).await?;
    let changes = stream! {
        loop {
            while let Some(message) = receive(&bucket, &mut consumer).await {
                match message {
                    Received::Sign => {}
                    Received::Ended => return,
                    Received::Stored(subject, stored) => {
                        next = next.max(stored.sequence + 1);
                        if let Some(change) = change(&bucket, &subject, stored) {
                            yield change;
                        }
                    }
                }
            }
            // Whatever was the matter with the old one: there is no harm in waiting for another one, for this is a hint.
            loop {
                let deadline = Instant::now() + bucket.deadline;
                if bucket.ensure_same(deadline).await.is_err() && bucket.check_not_refused().is_err() {
                    return;
                }
                match create(&bucket, &filter, next, deadline).await {
                    Ok(created) => {
                        consumer = created;
                        break;
                    }
                    Err(error) => tracing::warn!(filter, %error, "cannot watch for now"),
                }
            }
        }
    };
    Ok(changes.boxed())
}

enum Received {
    Stored(String, Stored),
    /// Nothing of interest; the consumer is still there.
    Sign,
    /// The connection is closed for good.
    Ended,
}

/// What comes next; `None` if the consumer is lost.
async fn receive(bucket: &Bucket, consumer: &mut Consumer) -> Option<Received> {
    let received = timeout(SILENCE, consumer.messages.next()).await;
    let Ok(message) = received else { return None };
    let Some(message) = message else { return Some(Received::Ended) };
    if consumer.connects != bucket.api.inbox().connects() {
        return None;
    }
    if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
        let last = message.headers.as_ref().and_then(|headers| headers.get("Nats-Last-Consumer"));
        let last = last.and_then(|last| last.as_str().parse().ok());
        return last.is_none_or(|last: u64| last == consumer.delivered).then_some(Received::Sign);
    }
    let Delivery { sequence, delivered, .. } = Delivery::parse(message.reply.as_ref()?)?;
    if delivered != consumer.delivered + 1 {
        return None;
    }
    consumer.delivered = delivered;
    let stored = Stored::delivered(sequence, message.payload, message.headers.as_ref());
    Some(Received::Stored(message.subject.to_string(), stored))
}

fn change(bucket: &Bucket, subject: &str, stored: Stored) -> Option<Change> {
    let start = "$KV.".len() + bucket.name.len() + 1;
    let key = Key::parse(subject.get(start..)?).ok()?;
    Some(match stored.into_entry(&key) {
        Some(entry) => Change::Put(entry),
        None => Change::Deleted(key),
    })
}

async fn create(
    bucket: &Bucket,
    filter: &str,
    next: u64,
    deadline: Instant,
) -> Result<Consumer, CoordinationError> {
    let client = bucket.api.client();
    let mut backoff = Backoff::until(deadline);
    loop {
        let connects = bucket.api.inbox().connects();
        // A new inbox for each attempt: an answer that was lost may have made a consumer.
        let inbox = client.new_inbox();
        let subscribed = client.subscribe(inbox.clone()).await;
        let messages = subscribed.map_err(|e| CoordinationError::Unavailable(e.into()))?;
        let body = json!({
            "stream_name": bucket.api.stream(),
            "config": {
                "deliver_subject": inbox,
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": next.max(1),
                "filter_subject": filter,
                "ack_policy": "none",
                "max_deliver": 1,
                "replay_policy": "instant",
                "idle_heartbeat": nanos(HEARTBEAT),
                "inactive_threshold": nanos(INACTIVE),
                "mem_storage": true,
                "num_replicas": 1,
            },
        });
        match bucket.api.call::<Value>("CONSUMER.CREATE", None, &body, deadline).await {
            Ok(_) => return Ok(Consumer { messages, delivered: 0, connects }),
            Err(e) if e.is_transient() && backoff.wait().await => {}
            Err(e) => return Err(bucket.explain(e)),
        }
    }
}
