//! Streams of events, written by hand through the store: every kind of commit, payload and id, in each encoding.

use std::path::Path;

use aether_core::codec::Codec;
use aether_core::{
    ActorId, ActorSnapshot, Commit, Event, EventBuilder, EventStore, Expected as Expects, Head, Payload,
    ReadFrom, Saved, SnapshotStore, Version,
};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use async_nats::Client;
use futures_util::TryStreamExt;
use time::macros::datetime;
use uuid::Uuid;

use crate::expected::{
    Expected, ExpectedCommit, ExpectedEvent, ExpectedSnapshot, pair, read_json, write_json,
};
use crate::stream::{RawPayload, RawStream};

/// The encodings of a stream's commits; several take turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encodings {
    pub(crate) name: &'static str,
    codecs: &'static [Codec],
}

pub(crate) const ENCODINGS: [Encodings; 3] = [
    Encodings { name: "json", codecs: &[Codec::CloudEventsJson] },
    Encodings { name: "bincode", codecs: &[Codec::Bincode] },
    Encodings { name: "mixed", codecs: &[Codec::CloudEventsJson, Codec::Bincode] },
];

impl Encodings {
    fn config(self, codec: Codec) -> JetStreamConfig {
        JetStreamConfig::new("the events").namespace(format!("golden.{}", self.name)).encoding(codec)
    }

    /// The name of the stream of events.
    pub(crate) fn stream(self) -> String {
        self.config(Codec::CloudEventsJson).stream_name()
    }
}

fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

/// The stores of one recording, and what was given to them.
struct Recorder {
    stores: Vec<JetStreamEventStore>,
    expected: Expected,
    ids: u128,
    saves: usize,
}

impl Recorder {
    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(0x0198_c5a2_7d3e_7c40_a1b2_0000_0000_0000 + self.ids)
    }

    fn event(&mut self, actor: &ActorId, version: u64, event_type: &'static str) -> EventBuilder {
        let id = self.id();
        let at = datetime!(2026-03-02 08:15:30.25 UTC) + std::time::Duration::from_secs(self.ids as u64);
        Event::builder(actor, Version::new(version), event_type).id(id).timestamp(at)
    }

    /// Saves a commit, and writes down what must be read of it.
    async fn save(&mut self, commit: &Commit<'_>) -> Saved {
        let store = &self.stores[self.saves % self.stores.len()];
        self.saves += 1;
        let saved = store.save(commit).await.unwrap();
        let parts = commit.parts().unwrap();
        let actors: Vec<String> = parts.iter().map(|part| part.actor().as_str().to_owned()).collect();
        for (index, part) in (0..).zip(parts.iter()) {
            let head = saved.head_of(part.actor()).unwrap();
            for (place, event) in (0..).zip(part.events()) {
                let given = ExpectedEvent::given(event, head.sequence(), place);
                let marks = (actors.len() > 1).then(|| (commit.id(), index, actors.clone()));
                self.expected.events.push(ExpectedEvent { marks, ..given });
            }
            let events: Vec<Uuid> = part.events().iter().map(|event| event.id()).collect();
            let id = (actors.len() > 1 || events.is_empty()).then(|| commit.id());
            let note = part.note().map(RawPayload::of);
            let commit = ExpectedCommit { head: pair(head), events, note, id };
            let actor = part.actor();
            self.expected.commits.entry(actor.as_str().to_owned()).or_default().push(commit);
            self.expected.subjects.insert(actor.as_str().to_owned(), actor.subject());
        }
        saved
    }

    async fn save_snapshot(&mut self, snapshot: &ActorSnapshot) {
        self.stores[0].save_snapshot(snapshot).await.unwrap();
        let expected = ExpectedSnapshot::of(snapshot);
        self.expected.snapshots.insert(snapshot.actor.as_str().to_owned(), expected);
    }
}

/// Records one stream.
pub(crate) async fn record(client: &Client, dir: &Path, encodings: Encodings) {
    let mut stores = Vec::new();
    for codec in encodings.codecs {
        stores.push(JetStreamEventStore::create(client.clone(), encodings.config(*codec)).await.unwrap());
    }
    let mut recorder = Recorder { stores, expected: Expected::default(), ids: 0, saves: 0 };
    of_one_actor(&mut recorder).await;
    of_odd_ids(&mut recorder).await;
    of_several_actors(&mut recorder).await;
    of_a_long_history(&mut recorder).await;
    snapshots(&mut recorder).await;
    // What proves a head is in the stream for a second.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let stream = encodings.stream();
    std::fs::create_dir_all(dir).unwrap();
    RawStream::export(client, &stream).await.write(&dir.join("events.jsonl"));
    RawStream::export(client, &format!("{stream}_snapshots")).await.write(&dir.join("snapshots.jsonl"));
    recorder.expected.events.sort_by_key(|event| (event.sequence, event.index));
    write_json(&dir.join("expected.json"), &recorder.expected);
}

async fn of_one_actor(recorder: &mut Recorder) {
    let order = actor("order-1");
    let placed = recorder
        .event(&order, 1, "OrderPlaced")
        .data(&serde_json::json!({ "total": 100, "customer": "Ada" }))
        .command_id("command-1")
        .correlation_id("request 7")
        .causation_id("0198c5a2-7d3e-7c40-a1b2-00000000000f")
        .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .metadata("user_id", "ada")
        .metadata("", "no key")
        .metadata("käy \"quoted\"", "two\nlines \u{1f98b}")
        .build()
        .unwrap();
    recorder.save(&Commit::event(&placed).expecting(Expects::NoEvents)).await;
    let json = |text: &'static str| Payload::new("application/json", text.as_bytes()).unwrap();
    let payloads = [
        Payload::absent(),
        json("null"),
        json("\"\""),
        json("{\"n\": 12345678901234567890.10, \"a\\u0000b\": \"\\ud83e\\udd8b/\\/\"}"),
        Payload::binary(&b""[..]),
        Payload::binary(&[0, 1, 254, 255][..]),
        Payload::new("text/plain; charset=utf-8", "zwölf\r\n".as_bytes()).unwrap(),
        Payload::new("application/vnd.order+json", &b"[1,2]"[..]).unwrap(),
    ];
    let mut events = Vec::new();
    for (version, payload) in (3..).zip(payloads) {
        let event = recorder.event(&order, version, "PayloadSeen").payload(payload);
        events.push(event.build().unwrap());
    }
    let saved = recorder.save(&Commit::events(&events)).await;
    assert!(recorder.stores[0].confirm(&order, saved.head).await.unwrap());
    let times = [
        datetime!(0000-01-01 0:00 UTC),
        datetime!(1969-12-31 23:59:59.999999999 UTC),
        datetime!(9999-12-31 23:59:59.000001 UTC),
    ];
    let mut events = Vec::new();
    for (version, at) in (20..).zip(times) {
        events.push(recorder.event(&order, version, "TimeSeen").timestamp(at).build().unwrap());
    }
    let note: &[u8] = &[0, 1, 2, 254, 255];
    let commit = Commit::events(&events).expecting(Expects::At(saved.head)).with_note(note);
    let saved = recorder.save(&commit).await;
    let saved = recorder.save(&Commit::note_only(&order, saved.head, b"only a note")).await;
    let saved = recorder.save(&Commit::note_only(&order, saved.head, b"")).await;
    let named_like_a_commit = recorder.event(&order, 30, "aether.commit").data(&1).build().unwrap();
    let commit = Commit::event(&named_like_a_commit).expecting(Expects::At(saved.head)).with_note(b"");
    recorder.save(&commit).await;
    let odd = recorder.event(&order, 31, "Größe geändert/.v2").data(&2).build().unwrap();
    recorder.save(&Commit::event(&odd).expecting(Expects::Exact(Version::new(30)))).await;
    let largest = recorder.event(&order, u64::MAX >> 1, "VersionSeen").build().unwrap();
    recorder.save(&Commit::event(&largest)).await;
}

async fn of_odd_ids(recorder: &mut Recorder) {
    let ids = [
        "order-2026-17",
        "order",
        "order-",
        "-order",
        "-",
        "order-a.b c",
        "ordnung-größe*>",
        "日本-東京",
        "o%2Er/d~r-~",
        "order-~~",
        "order-tab\tand\u{0}nothing",
        "$KV-\"quoted\"",
    ];
    for id in ids {
        let actor = actor(id);
        let event = recorder.event(&actor, 1, "IdSeen").data(id).build().unwrap();
        recorder.save(&Commit::event(&event).expecting(Expects::At(Head::NONE))).await;
    }
    let alone = actor("note-alone");
    recorder.save(&Commit::note_only(&alone, Head::NONE, b"before any event")).await;
}

async fn of_several_actors(recorder: &mut Recorder) {
    let (from, to, witness) = (actor("account-a.da"), actor("account-bob"), actor("order-2026-17"));
    let taken = recorder.event(&from, 1, "Taken").data(&3).correlation_id("transfer").build().unwrap();
    let given = recorder.event(&to, 1, "Given").data(&3).build().unwrap();
    let noted = recorder.event(&from, 2, "Noted").build().unwrap();
    let head = recorder.stores[0].get_head(&witness).await.unwrap();
    let events = [taken, given, noted];
    let commit = Commit::events(&events)
        .expecting_of(&from, Expects::NoEvents)
        .expecting_of(&witness, Expects::At(head))
        .with_note_of(&from, b"a note of the first")
        .with_note_of(&witness, &[255, 0]);
    let saved = recorder.save(&commit).await;
    assert!(recorder.stores[0].confirm(&to, saved.head_of(&to).unwrap()).await.unwrap());
    let back = recorder.event(&to, 2, "Taken").data(&1).build().unwrap();
    let again = recorder.event(&from, 3, "Given").data(&1).build().unwrap();
    recorder.save(&Commit::events(&[back, again])).await;
    let alone = recorder.event(&to, 3, "Closed").build().unwrap();
    recorder.save(&Commit::event(&alone)).await;
}

/// More commits than a commit links to.
async fn of_a_long_history(recorder: &mut Recorder) {
    let (long, other) = (actor("history-long"), actor("history-other"));
    for version in 1..=40 {
        let event = recorder.event(&long, version, "Counted").data(&version).build().unwrap();
        let saved = recorder.save(&Commit::event(&event)).await;
        if version % 7 == 0 {
            assert!(recorder.stores[0].confirm(&long, saved.head).await.unwrap());
            let event = recorder.event(&other, version, "Counted").data(&version).build().unwrap();
            recorder.save(&Commit::event(&event)).await;
        }
    }
}

async fn snapshots(recorder: &mut Recorder) {
    let at = datetime!(2026-03-03 10:00:00.000000001 UTC);
    let order = actor("order-1");
    let head = recorder.stores[0].get_head(&order).await.unwrap();
    let state = serde_json::json!({ "total": 100, "of": "größe" });
    let snapshot = ActorSnapshot::new(&order, head.version(), &state).unwrap();
    recorder.save_snapshot(&snapshot.with_head(head).with_timestamp(at)).await;
    for (id, state) in [
        ("order-a.b c", Payload::binary(&[0, 255][..])),
        ("order", Payload::json(&()).unwrap()),
        ("order-", Payload::absent()),
        ("日本-東京", Payload::new("text/plain", &b"state"[..]).unwrap()),
    ] {
        let snapshot = ActorSnapshot::of_payload(&actor(id), Version::new(1), state);
        recorder.save_snapshot(&snapshot.with_timestamp(at)).await;
    }
}

/// Loads the snapshots of a stream of events that is loaded already. They name the moment at which that stream was created,
/// so the new moment takes the place of the recorded one.
pub(crate) async fn load_snapshots(client: &Client, events: &RawStream, created: i128, path: &Path) {
    let mut snapshots = RawStream::read(path);
    let (was, is) = (events.created_nanos(), created);
    for message in &mut snapshots.messages {
        let RawPayload::Text(text) = &mut message.payload else { panic!("snapshots are JSON") };
        let (old, new) = (format!("\"stream_created\":{was},"), format!("\"stream_created\":{is},"));
        assert_eq!(text.matches(&old).count(), 1, "a snapshot of another stream: {text}");
        *text = text.replace(&old, &new);
    }
    snapshots.load(client).await;
}

/// Loads a recorded stream, and reads and continues it.
pub(crate) async fn check(client: &Client, dir: &Path, encodings: Encodings) {
    let events = RawStream::read(&dir.join("events.jsonl"));
    let created = events.load(client).await;
    load_snapshots(client, &events, created, &dir.join("snapshots.jsonl")).await;
    let codec = *encodings.codecs.last().unwrap();
    let store = JetStreamEventStore::open(client.clone(), encodings.config(codec)).await.unwrap();
    let expected: Expected = read_json(&dir.join("expected.json"));
    is_as_expected(&store, &expected).await;
    for (id, commits) in &expected.commits {
        continues(&store, &actor(id), commits).await;
    }
}

/// Compares everything that the store reads with what was saved.
pub(crate) async fn is_as_expected(store: &JetStreamEventStore, expected: &Expected) {
    let read = async |from| -> Vec<ExpectedEvent> {
        let all: Vec<_> = store.get_all(from, usize::MAX).try_collect().await.unwrap();
        all.iter().map(ExpectedEvent::read).collect()
    };
    assert_all_equal(&read(ReadFrom::Start).await, &expected.events);
    let middle = expected.events.len() / 2;
    let after = expected.events[middle].position.parse().unwrap();
    assert_all_equal(&read(ReadFrom::After(after)).await, &expected.events[middle + 1..]);
    for (id, commits) in &expected.commits {
        let actor = actor(id);
        assert_eq!(actor.subject(), expected.subjects[id]);
        assert_eq!(ActorId::from_subject(&expected.subjects[id]), Some(actor.clone()));
        let read: Vec<_> = store.get_commits(&actor, Head::NONE).try_collect().await.unwrap();
        assert_all_equal(&read.iter().map(ExpectedCommit::read).collect::<Vec<_>>(), commits);
        assert_eq!(Some(pair(store.get_head(&actor).await.unwrap())), commits.last().map(|last| last.head));
        let of_actor = expected.events.iter().filter(|event| event.actor == *id).cloned();
        let mut backward: Vec<ExpectedEvent> = of_actor.collect();
        backward.reverse();
        let from = Version::new(u64::MAX);
        let read: Vec<_> = store.get_events_backward(&actor, from).try_collect().await.unwrap();
        assert_all_equal(&read.iter().map(ExpectedEvent::read).collect::<Vec<_>>(), &backward);
        let snapshot = store.load_snapshot(&actor).await.unwrap();
        assert_eq!(snapshot.as_ref().map(ExpectedSnapshot::of), expected.snapshots.get(id).cloned(), "{id}");
    }
}

fn assert_all_equal<T: PartialEq + std::fmt::Debug>(read: &[T], expected: &[T]) {
    for (read, expected) in read.iter().zip(expected) {
        assert_eq!(read, expected);
    }
    assert_eq!(read.len(), expected.len());
}

/// Appends to the actor's log, and checks that an older head is refused.
async fn continues(store: &JetStreamEventStore, actor: &ActorId, commits: &[ExpectedCommit]) {
    let head = |(sequence, version)| Head::new(sequence, Version::new(version));
    let last = head(commits.last().unwrap().head);
    let next = Event::new(actor, last.version().next(), "Continued", &()).unwrap();
    let before = commits.len().checked_sub(2).map_or(Head::NONE, |index| head(commits[index].head));
    let late = store.save(&Commit::event(&next).expecting(Expects::At(before))).await;
    assert!(late.unwrap_err().is_version_conflict());
    let saved = store.save(&Commit::event(&next).expecting(Expects::At(last))).await.unwrap();
    assert_eq!(saved.version, last.version().next());
    let read: Vec<_> = store.get_commits(actor, Head::NONE).try_collect().await.unwrap();
    assert_eq!(read.len(), commits.len() + 1);
}
