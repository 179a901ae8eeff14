//! Timers, set by hand: pending ones, and such that are due once they are loaded.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aether_core::{ActorId, Timer, TimerId, Timers};
use aether_store_jetstream::{JetStreamConfig, JetStreamTimers};
use async_nats::Client;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::expected::{read_json, write_json};
use crate::stream::{RawPayload, RawStream, call};

/// The delay of the last timer that is not far in the future.
const SOON: Duration = Duration::from_secs(6);
/// The longest that a timer may take.
const WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ExpectedTimer {
    actor: String,
    name: String,
    /// In nanoseconds since 1970.
    at: String,
    payload: RawPayload,
}

impl ExpectedTimer {
    fn of(timer: &Timer) -> Self {
        Self {
            actor: timer.id.actor().as_str().to_owned(),
            name: timer.id.name().to_owned(),
            at: timer.at.unix_timestamp_nanos().to_string(),
            payload: RawPayload::of(&timer.payload),
        }
    }

    fn id(&self) -> TimerId {
        timer_id(&self.actor, &self.name)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Expected {
    /// Timers that are due once they are loaded.
    due: Vec<ExpectedTimer>,
    /// Timers that are far in the future.
    pending: Vec<ExpectedTimer>,
}

fn timer_id(actor: &str, name: &str) -> TimerId {
    TimerId::new(&ActorId::new(actor).unwrap(), name).unwrap()
}

pub(crate) fn config() -> JetStreamConfig {
    JetStreamConfig::new("events").namespace("golden.timers")
}

/// Records timers.
pub(crate) async fn record(client: &Client, dir: &Path) {
    let timers = JetStreamTimers::create(client.clone(), config()).await.unwrap();
    let mut expected = Expected::default();
    let far = datetime!(2261-12-31 23:59:59.123456789 UTC);
    let now = OffsetDateTime::now_utc();
    let set = async |actor: &str, name: &str, at, payload: &'static [u8]| -> ExpectedTimer {
        let timer = Timer::new(timer_id(actor, name), at, payload).unwrap();
        timers.set(&timer).await.unwrap();
        ExpectedTimer::of(&timer)
    };
    expected.pending.push(set("order-1", "expiry", far, b"{\"a\":1}").await);
    expected.pending.push(set("order-a.b c", "größe *>", far, &[0, 1, 254, 255]).await);
    set("order-1", "replaced", now + Duration::from_secs(3600), b"first").await;
    expected.pending.push(set("order-1", "replaced", far, b"second").await);
    set("order-1", "cancelled", far, b"").await;
    timers.cancel(&timer_id("order-1", "cancelled")).await.unwrap();
    // Due at once, and by nobody handled: the server has sent it on.
    expected.due.push(set("order-1", "overdue", datetime!(1999-01-01 0:00 UTC), b"late").await);
    expected.due.push(set("-", "~", now - Duration::from_secs(60), b"").await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Not due yet, but by the time that it is loaded.
    expected.due.push(set("order-1", "soon", OffsetDateTime::now_utc() + SOON, b"soon").await);
    std::fs::create_dir_all(dir).unwrap();
    RawStream::export(client, timers.stream_name()).await.write(&dir.join("timers.jsonl"));
    write_json(&dir.join("expected.json"), &expected);
    // Whoever reads the recording, and be it at once, finds that it is due.
    tokio::time::sleep(SOON).await;
}

/// Loads timers, and checks that due ones are delivered and that the others can be replaced and cancelled.
pub(crate) async fn check(client: &Client, dir: &Path) {
    RawStream::read(&dir.join("timers.jsonl")).load(client).await;
    let expected: Expected = read_json(&dir.join("expected.json"));
    let timers = JetStreamTimers::open(client.clone(), config()).await.unwrap();
    let mut due = timers.due().await.unwrap();
    let mut next = async || -> ExpectedTimer {
        let timer = tokio::time::timeout(WITHIN, due.next()).await.unwrap();
        let timer = timer.unwrap().unwrap();
        let expected = ExpectedTimer::of(timer.timer());
        timer.done().await.unwrap();
        expected
    };
    let mut come = BTreeMap::new();
    for _ in 0..expected.due.len() {
        let timer = next().await;
        come.insert((timer.actor.clone(), timer.name.clone()), timer);
    }
    let wanted = expected.due.iter().map(|timer| ((timer.actor.clone(), timer.name.clone()), timer.clone()));
    assert_eq!(come, wanted.collect());
    assert_eq!(schedules(client, timers.stream_name()).await, expected.pending.len());
    // Set anew, a timer takes the place of the one that was recorded.
    let (moved, rest) = expected.pending.split_first().unwrap();
    let anew = Timer::new(moved.id(), OffsetDateTime::now_utc(), "anew").unwrap();
    timers.set(&anew).await.unwrap();
    assert_eq!(next().await, ExpectedTimer::of(&anew));
    assert_eq!(schedules(client, timers.stream_name()).await, rest.len());
    for timer in rest {
        timers.cancel(&timer.id()).await.unwrap();
    }
    assert_eq!(schedules(client, timers.stream_name()).await, 0);
}

/// The number of timers that are pending at the server.
async fn schedules(client: &Client, stream: &str) -> usize {
    let body = json!({ "subjects_filter": format!("{stream}.set.>") });
    let info: Value = call(client, &format!("STREAM.INFO.{stream}"), &body).await;
    info["state"]["subjects"].as_object().map_or(0, serde_json::Map::len)
}
