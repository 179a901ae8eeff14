//! Recordings: made, found, loaded into servers of each version.

use std::path::{Path, PathBuf};

use aether_actor::event::{Schema, write_schemas};
use aether_core::{ActorId, Namespace, Position, TimerId, sanitise};
use aether_nats_server::{LOWEST_SUPPORTED, NatsServer, PINNED, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamTimers, OpenError};
use async_nats::Client;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use crate::events::ENCODINGS;
use crate::expected::{read_json, write_json};
use crate::stream::{RawStream, call};
use crate::world::{AccountEvent, TransferEvent};
use crate::{events, resume, system, timers};

/// The name of a recording to keep.
const KEEP: &str = "AETHER_RECORD_GOLDEN";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// All recordings that are kept.
pub(crate) fn recordings() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut recordings: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    recordings.sort();
    assert!(!recordings.is_empty(), "there are no recordings in {}", root().display());
    recordings
}

/// A server of its own, of this version.
pub(crate) async fn server(version: &str) -> (NatsServer, Client) {
    let server = NatsServer::builder().version(version).start().unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    (server, client)
}

/// Text forms that users keep.
#[derive(Debug, Serialize, Deserialize)]
struct Texts {
    /// Text form, sequence, index.
    positions: Vec<(String, u64, u32)>,
    /// Actor, its subject tokens.
    actors: Vec<(String, String)>,
    /// Actor, name of a timer, subject tokens of both.
    timers: Vec<(String, String, String)>,
    /// Namespace, its sanitised form, and the name of the stream `my events` in it.
    namespaces: Vec<(String, String, String)>,
    /// Key of a request, the id of its command.
    command_ids: Vec<(String, String)>,
}

impl Texts {
    fn new() -> Self {
        let actors = ["order-123", "order-2026-17", "order", "order-", "-order", "order-a.b c", "ö-ß*>%~"];
        let id = |actor: &str| ActorId::new(actor).unwrap();
        let timer = |actor: &str, name: &str| {
            let timer = TimerId::new(&id(actor), name).unwrap();
            (actor.to_owned(), name.to_owned(), timer.subject())
        };
        let namespaces = ["tenant-abc", "tenant.abc", "a b_c", "größe"].map(|namespace| {
            let stream = JetStreamConfig::new("my events").namespace(namespace).stream_name();
            (namespace.to_owned(), sanitise(namespace), stream)
        });
        let command_ids = ["request 7", "", "größe"]
            .map(|key| (key.to_owned(), aether_actor::CommandId::from_key(key).to_string()));
        let position = |sequence, index| (Position::new(sequence, index).to_string(), sequence, index);
        Self {
            positions: vec![position(1, 0), position(17, 3), position(u64::MAX, u32::MAX)],
            actors: actors.map(|actor| (actor.to_owned(), id(actor).subject())).to_vec(),
            timers: vec![timer("order-1", "expiry"), timer("-", "~"), timer("order-a.b", "größe *>")],
            namespaces: namespaces.to_vec(),
            command_ids: command_ids.to_vec(),
        }
    }

    fn check(&self) {
        for (text, sequence, index) in &self.positions {
            let position = Position::new(*sequence, *index);
            assert_eq!((text.parse(), position.to_string()), (Ok(position), text.clone()));
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
        }
        for (actor, subject) in &self.actors {
            let id = ActorId::new(actor).unwrap();
            assert_eq!((id.subject(), ActorId::from_subject(subject)), (subject.clone(), Some(id)));
        }
        for (actor, name, subject) in &self.timers {
            let id = TimerId::new(&ActorId::new(actor).unwrap(), name).unwrap();
            assert_eq!((id.subject(), TimerId::from_subject(subject)), (subject.clone(), Some(id)));
        }
        for (namespace, sanitised, stream) in &self.namespaces {
            assert!(Namespace::new(namespace.as_str()).is_ok());
            let name = JetStreamConfig::new("my events").namespace(namespace.as_str()).stream_name();
            assert_eq!((sanitise(namespace), &name), (sanitised.clone(), stream));
        }
        for (key, id) in &self.command_ids {
            assert_eq!(aether_actor::CommandId::from_key(key).to_string(), *id);
            assert!(id.parse::<aether_actor::CommandId>().is_ok());
        }
    }
}

fn schemas() -> [Schema; 2] {
    [Schema::of::<AccountEvent>(), Schema::of::<TransferEvent>()]
}

async fn record(dir: &Path) {
    let (server, client) = server(PINNED).await;
    std::fs::create_dir_all(dir).unwrap();
    write_json(&dir.join("texts.json"), &Texts::new());
    write_json(&dir.join("recorded.json"), &serde_json::json!({ "server": server.version() }));
    write_schemas(dir.join("schemas.json"), &schemas()).unwrap();
    let dirs = ENCODINGS.map(|encodings| dir.join(encodings.name));
    let encoded = ENCODINGS.iter().zip(&dirs);
    let (timers, system) = (dir.join("timers"), dir.join("system"));
    // Each of them waits for most of its time.
    tokio::join!(
        join_all(encoded.map(|(encodings, dir)| events::record(&client, dir, *encodings))),
        timers::record(&client, &timers),
        system::record(&client, &system),
    );
}

/// Checks everything in a recording on a server of this version.
async fn check(dir: &Path, version: &str) {
    check_texts(dir);
    schemas_are_accepted(&dir.join("schemas.json"));
    let (_server, client) = server(version).await;
    for encodings in ENCODINGS {
        events::check(&client, &dir.join(encodings.name), encodings).await;
    }
    let timers_dir = dir.join("timers");
    if client.is_server_compatible(2, 12, 0) {
        timers::check(&client, &timers_dir).await;
    } else {
        no_timers(&client, &RawStream::read(&timers_dir.join("timers.jsonl"))).await;
    }
    resume::check(&client, &dir.join("system")).await;
    let (_another, client) = server(version).await;
    resume::check_anew(&client, &dir.join("system")).await;
}

/// The text forms of a recording.
pub(crate) fn check_texts(dir: &Path) {
    read_json::<Texts>(&dir.join("texts.json")).check();
}

/// The events of today may have more than the file, and nothing that could not be read.
fn schemas_are_accepted(file: &Path) {
    let copy = std::env::temp_dir().join(unique_name("schemas"));
    std::fs::copy(file, &copy).unwrap();
    write_schemas(&copy, &schemas()).unwrap();
    std::fs::remove_file(&copy).unwrap();
}

/// A server that has no timers takes the stream of a recording without them, and so it is not opened.
async fn no_timers(client: &Client, recorded: &RawStream) {
    let operation = format!("STREAM.CREATE.{}", recorded.name());
    let made = call(client, &operation, &recorded.info.config).await;
    assert_ne!(made["config"]["allow_msg_schedules"], true, "this server has timers: {made}");
    let error = JetStreamTimers::open(client.clone(), timers::config()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unsupported(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_read_and_continued_on_the_newest_server() {
    for dir in recordings() {
        check(&dir, PINNED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_read_and_continued_on_the_lowest_supported_server() {
    for dir in recordings() {
        check(&dir, LOWEST_SUPPORTED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_by_this_code() {
    let kept = std::env::var_os(KEEP).filter(|name| !name.is_empty()).map(|name| root().join(name));
    let dir = kept.clone().unwrap_or_else(|| std::env::temp_dir().join(unique_name("golden")));
    assert!(!dir.exists(), "{} is there already: a recording is never changed", dir.display());
    record(&dir).await;
    if kept.is_none() {
        check(&dir, PINNED).await;
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
