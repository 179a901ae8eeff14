//! Recordings in unknown formats. The checks must notice each change of a stored form, or golden data would prove nothing.

use std::path::{Path, PathBuf};

use aether_nats_server::{PINNED, unique_name};
use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::events::{self, ENCODINGS};
use crate::recording::{check_texts, recordings, server};
use crate::resume;
use crate::stream::{RawPayload, RawStream};
use crate::timers;

/// The part of a recording that is read.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The events of this encoding.
    Events(usize),
    Timers,
    System,
    Texts,
}

/// A difference between a file and what was recorded.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Another text in payloads.
    Text(&'static str, &'static str),
    /// Another first byte of payloads that are no text.
    FirstByte(u8, u8),
    /// Another text in the value of a header.
    Header(&'static str, &'static str, &'static str),
    /// Another text in subjects.
    Subject(&'static str, &'static str),
    /// Another text in a file that is no stream.
    File(&'static str, &'static str),
}

const CHANGES: &[(Part, &str, Change)] = &[
    (Part::Events(0), "json/events.jsonl", Change::Text("\"version\":\"", "\"revision\":\"")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"links\":\"", "\"links\":\"!")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"note\":\"", "\"remark\":\"")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"correlationid\":", "\"correlation\":")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"data_base64\":", "\"data_base\":")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"commitid\":", "\"commit\":")),
    (Part::Events(0), "json/events.jsonl", Change::Text("\"headversion\":", "\"head\":")),
    (Part::Events(0), "json/snapshots.jsonl", Change::Text("\"sequence\":", "\"seq\":")),
    (Part::Events(0), "json/snapshots.jsonl", Change::Subject(".order.", ".orders.")),
    (Part::Events(1), "bincode/events.jsonl", Change::FirstByte(1, 2)),
    (Part::Timers, "timers/timers.jsonl", Change::Header("Aether-Timer-At", "9", "8")),
    (Part::Timers, "timers/timers.jsonl", Change::Header("Nats-Schedule-Target", ".order.", ".orders.")),
    (Part::System, "system/events.jsonl", Change::Text("\"note\":\"AQ", "\"note\":\"Ag")),
    (
        Part::System,
        "system/events.jsonl",
        Change::Text("\"type\":\"Deposited.v2\"", "\"type\":\"Deposited.2\""),
    ),
    (Part::System, "system/events.jsonl", Change::Text("process.CommandSent", "process.Sent")),
    (Part::System, "system/events.jsonl", Change::Text("\"type\":\"aether.E", "\"type\":\"system.E")),
    (Part::System, "system/snapshots.jsonl", Change::Text("\"recall\":", "\"remembered\":")),
    (Part::System, "system/bucket.jsonl", Change::Text("\"partitions\":4", "\"partitions\":5")),
    (Part::System, "system/bucket.jsonl", Change::Text("\"parked\":", "\"letters\":")),
    (Part::System, "system/bucket.jsonl", Change::Text("\"position\":\"", "\"position\":\"0.")),
    (Part::System, "system/bucket.jsonl", Change::Text("\"seen\":", "\"saw\":")),
    (Part::System, "system/bucket.jsonl", Change::Subject(".mailer.", ".group-mailer.")),
    (Part::System, "system/bucket.jsonl", Change::Subject(".projections.", ".projection.")),
    (Part::Texts, "texts.json", Change::File("17.3", "17-3")),
    (Part::Texts, "texts.json", Change::File("order.a%2Eb%20c", "order.a%2eb%20c")),
];

impl Change {
    /// Changes a file.
    fn apply(self, path: &Path) {
        let before = std::fs::read_to_string(path).unwrap();
        if let Self::File(from, to) = self {
            std::fs::write(path, before.replace(from, to)).unwrap();
        } else {
            let mut stream = RawStream::read(path);
            for message in &mut stream.messages {
                match (self, &mut message.payload) {
                    (Self::Text(from, to), RawPayload::Text(text)) => *text = text.replace(from, to),
                    (Self::FirstByte(from, to), payload) => {
                        let mut bytes = payload.bytes().to_vec();
                        if let Some(first) = bytes.first_mut().filter(|first| **first == from) {
                            *first = to;
                            *payload = RawPayload::of(&bytes);
                        }
                    }
                    (Self::Subject(from, to), _) => message.subject = message.subject.replace(from, to),
                    (Self::Header(name, from, to), _) => {
                        let headers = message.headers.iter_mut().filter(|(found, _)| found == name);
                        headers.for_each(|(_, value)| *value = value.replacen(from, to, 1));
                    }
                    _ => {}
                }
            }
            stream.write(path);
        }
        assert_ne!(before, std::fs::read_to_string(path).unwrap(), "{self:?} changes nothing");
    }
}

/// A recording with one change, in a folder of its own.
fn changed(recording: &Path, file: &str, change: Change) -> PathBuf {
    let dir = std::env::temp_dir().join(unique_name("golden-changed"));
    copy(recording, &dir);
    change.apply(&dir.join(file));
    dir
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).unwrap();
        }
    }
}

async fn check(part: Part, dir: PathBuf) {
    let (_server, client) = server(PINNED).await;
    match part {
        Part::Events(index) => {
            let encodings = ENCODINGS[index];
            events::check(&client, &dir.join(encodings.name), encodings).await;
        }
        Part::Timers => timers::check(&client, &dir.join("timers")).await,
        Part::System => resume::check(&client, &dir.join("system")).await,
        Part::Texts => check_texts(&dir),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_in_another_format_is_noticed() {
    let recording = recordings().remove(0);
    let tried = stream::iter(CHANGES).for_each_concurrent(4, async |(part, file, change)| {
        let dir = changed(&recording, file, *change);
        let (part, copy, runtime) = (*part, dir.clone(), Handle::current());
        let read = spawn_blocking(move || runtime.block_on(check(part, copy))).await;
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(read.is_err(), "{file} was read in spite of {change:?}");
    });
    tried.await;
}
