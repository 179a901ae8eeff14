//! [`RawStream`]: a JetStream stream as it is stored, message by message: exported from a server, kept in a file, and
//! loaded into a server again. It knows nothing of what the messages mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_nats::{Client, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The header by which a message says after which message of its subject it comes.
const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// The header that marks the last message of an atomic batch.
const BATCH_COMMIT: &str = "Nats-Batch-Commit";
/// The header that every message of an atomic batch has.
const BATCH: &str = "Nats-Batch-Id";
/// Settings that came with server 2.12 or later; an older server refuses a configuration that has one.
const NEW_SETTINGS: [&str; 5] =
    ["allow_atomic", "allow_batched", "allow_msg_counter", "allow_msg_schedules", "persist_mode"];

/// A stream as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct RawStream {
    pub(crate) info: Info,
    pub(crate) messages: Vec<RawMessage>,
}

/// The first line of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Info {
    /// The configuration, as `STREAM.INFO` gave it.
    pub(crate) config: Value,
    /// The creation time of the stream, as `STREAM.INFO` gave it.
    pub(crate) created: String,
    pub(crate) last_seq: u64,
}

/// Every other line: a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RawMessage {
    pub(crate) seq: u64,
    pub(crate) time: String,
    pub(crate) subject: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: RawPayload,
}

/// The bytes of a message: as text where they are text, so that people can read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawPayload {
    Text(String),
    Base64(String),
}

impl RawPayload {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Self::Text(text.to_owned()),
            _ => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    pub(crate) fn bytes(&self) -> Bytes {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Base64(text) => STANDARD.decode(text).unwrap().into(),
        }
    }
}

impl RawMessage {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A call of the JetStream API.
pub(crate) async fn call(client: &Client, operation: &str, body: &Value) -> Value {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let answer = client.request(format!("$JS.API.{operation}"), body).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

impl RawStream {
    /// Reads everything that the server has of a stream.
    pub(crate) async fn export(client: &Client, name: &str) -> Self {
        let info = call(client, &format!("STREAM.INFO.{name}"), &Value::Null).await;
        let number = |field: &str| info["state"][field].as_u64().unwrap();
        let mut messages = Vec::new();
        for seq in number("first_seq")..=number("last_seq") {
            let got = call(client, &format!("STREAM.MSG.GET.{name}"), &json!({ "seq": seq })).await;
            let Some(message) = got.get("message") else { continue };
            let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
            let headers = String::from_utf8(STANDARD.decode(text("hdrs")).unwrap()).unwrap();
            let headers = headers.lines().skip(1).filter_map(|line| line.split_once(':'));
            messages.push(RawMessage {
                seq,
                time: text("time"),
                subject: text("subject"),
                headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
                payload: RawPayload::of(&STANDARD.decode(text("data")).unwrap()),
            });
        }
        let created = info["created"].as_str().unwrap().to_owned();
        Self {
            info: Info { config: info["config"].clone(), created, last_seq: number("last_seq") },
            messages,
        }
    }

    pub(crate) fn write(&self, path: &Path) {
        let mut lines = vec![serde_json::to_string(&self.info).unwrap()];
        lines.extend(self.messages.iter().map(|message| serde_json::to_string(message).unwrap()));
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }

    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut lines = text.lines();
        let info = serde_json::from_str(lines.next().unwrap()).unwrap();
        Self { info, messages: lines.map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    pub(crate) fn name(&self) -> &str {
        self.info.config["name"].as_str().unwrap()
    }

    /// The creation time of the stream in nanoseconds since 1970, as snapshots name it.
    pub(crate) fn created_nanos(&self) -> i128 {
        nanos(&self.info.created)
    }

    /// Creates the stream on a server, with every message under the sequence that it had. The server stamps new times.
    /// Fillers take the place of messages that the recorded stream had lost, and are deleted. Returns the creation time
    /// of the new stream, in nanoseconds since 1970.
    pub(crate) async fn load(&self, client: &Client) -> i128 {
        let name = self.name().to_owned();
        let config = self.config_for(client);
        let mut open = config.clone();
        // Fillers are deleted; what must not be undone is set when everything is there.
        open["deny_delete"] = false.into();
        open["deny_purge"] = false.into();
        let made = call(client, &format!("STREAM.CREATE.{name}"), &open).await;
        assert!(made.get("error").is_none(), "{name} cannot be made: {made}");
        let fillers = self.publish(client).await;
        for seq in fillers {
            // One that was replaced by a later message of its subject is gone already.
            call(client, &format!("STREAM.MSG.DELETE.{name}"), &json!({ "seq": seq })).await;
        }
        let changed = call(client, &format!("STREAM.UPDATE.{name}"), &config).await;
        assert!(changed.get("error").is_none(), "{name} cannot be changed: {changed}");
        let info = call(client, &format!("STREAM.INFO.{name}"), &Value::Null).await;
        // A schedule that is due is sent on as soon as it is there.
        if config["allow_msg_schedules"] != true {
            assert_eq!(info["state"]["last_seq"], self.info.last_seq, "{name} ends elsewhere");
            let messages = self.messages.len();
            assert_eq!(info["state"]["messages"], messages, "{name} has not the messages of the recording");
        }
        nanos(info["created"].as_str().unwrap())
    }

    /// The configuration, without what the server adds and, on an old server, without what it does not know.
    fn config_for(&self, client: &Client) -> Value {
        let mut config = self.info.config.clone();
        if let Some(metadata) = config["metadata"].as_object_mut() {
            metadata.retain(|key, _| !key.starts_with("_nats."));
        }
        if let Some(settings) = config.as_object_mut()
            && !client.is_server_compatible(2, 12, 0)
        {
            settings.retain(|setting, _| !NEW_SETTINGS.contains(&setting.as_str()));
        }
        config
    }

    /// Publishes messages and fillers, and returns the sequences of the fillers.
    async fn publish(&self, client: &Client) -> BTreeSet<u64> {
        let messages: BTreeMap<u64, &RawMessage> = self.messages.iter().map(|m| (m.seq, m)).collect();
        // What a message says that it comes after was on its own subject, so that is where the filler goes.
        let expected = self.messages.iter().filter_map(|m| Some((m.header(EXPECTED)?.parse().ok()?, m)));
        let lost: BTreeMap<u64, &RawMessage> = expected.collect();
        let subjects = self.info.config["subjects"][0].as_str().unwrap();
        let elsewhere = subjects.replace('>', "=filler");
        let mut fillers = BTreeSet::new();
        for seq in 1..=self.info.last_seq {
            let Some(message) = messages.get(&seq) else {
                let subject = lost.get(&seq).map_or(elsewhere.as_str(), |after| after.subject.as_str());
                publish(client, seq, subject, HeaderMap::new(), Bytes::new()).await;
                fillers.insert(seq);
                continue;
            };
            let mut headers = HeaderMap::new();
            for (name, value) in &message.headers {
                headers.append(name.as_str(), value.as_str());
            }
            publish(client, seq, &message.subject, headers, message.payload.bytes()).await;
        }
        fillers
    }
}

/// Publishes one message, which must be stored under this sequence. A part of a batch is acknowledged with the last one.
async fn publish(client: &Client, seq: u64, subject: &str, headers: HeaderMap, payload: Bytes) {
    let waits = headers.get(BATCH).is_some()
        && headers.get(BATCH_COMMIT).is_none()
        && client.is_server_compatible(2, 12, 0);
    let answer = client.request_with_headers(subject.to_owned(), headers, payload).await.unwrap();
    if waits && answer.payload.is_empty() {
        return;
    }
    let ack: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(ack["seq"], seq, "{subject} is stored elsewhere: {ack}");
}

fn nanos(time: &str) -> i128 {
    let time = time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339).unwrap();
    time.unix_timestamp_nanos()
}
