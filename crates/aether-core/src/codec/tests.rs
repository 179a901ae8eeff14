//! What is encoded comes back, and no bytes lead to a panic.

use proptest::prelude::*;
use time::OffsetDateTime;

use super::*;
use crate::{Commit, Expected, Head, Metadata, Payload};

const CODECS: [Codec; 2] = [Codec::CloudEventsJson, Codec::Bincode];

fn encode(
    codec: Codec,
    part: &Part<'_>,
    links: &[u64],
    version: Version,
    marks: Option<&CommitMarks>,
) -> Bytes {
    let mut out = Vec::new();
    codec.encode(&Envelope { source: "t_events", part, links, version, marks }, &mut out);
    out.into()
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::absent()),
        Just(Payload::json(&()).unwrap()),
        ".*".prop_map(|text| Payload::json(&text).unwrap()),
        any::<Vec<f64>>().prop_map(|numbers| Payload::json(&numbers).unwrap()),
        any::<Vec<u8>>().prop_map(Payload::binary),
        (".{1,9}/x", any::<Vec<u8>>()).prop_map(|(kind, bytes)| Payload::new(kind, bytes).unwrap()),
    ]
}

prop_compose! {
    fn event()(
        id in any::<u128>(), event_type in ".{1,40}", data in payload(), named in any::<[Option<String>; 4]>(),
        user in proptest::collection::btree_map(".*", ".*", 0..4), seconds in -62_167_219_200i64..=253_402_300_799,
    ) -> (Uuid, String, Payload, Metadata, OffsetDateTime) {
        let [command_id, correlation_id, causation_id, traceparent] = named;
        let metadata = Metadata { command_id, correlation_id, causation_id, traceparent, user };
        (Uuid::from_u128(id), event_type, data, metadata, OffsetDateTime::from_unix_timestamp(seconds).unwrap())
    }
}

fn events(actor: &str, parts: Vec<(Uuid, String, Payload, Metadata, OffsetDateTime)>) -> Vec<Event> {
    let actor = ActorId::new(actor).unwrap();
    let event = |(version, (id, kind, payload, metadata, time)): (usize, _)| {
        Event::restore(id, kind, actor.clone(), Version::new(version as u64 + 1), payload, metadata, time)
    };
    parts.into_iter().enumerate().map(event).collect()
}

proptest! {
    #[test]
    fn a_commit_comes_back(
        actor in ".{1,30}", parts in proptest::collection::vec(event(), 1..5),
        note in proptest::option::of(any::<Vec<u8>>()), several in any::<bool>(),
        links in proptest::collection::btree_set(1u64.., 0..20),
    ) {
        let events = events(&actor, parts);
        let mut commit = Commit::events(&events);
        if let Some(note) = &note {
            commit = commit.with_note(note);
        }
        prop_assume!(commit.parts().is_ok());
        let parts = commit.parts().unwrap();
        let links: Vec<u64> = links.into_iter().rev().collect();
        let actors = vec![events[0].actor().clone(), ActorId::new("b-\"2").unwrap()];
        let marks = several.then(|| CommitMarks::new(commit.id(), 0, actors));
        let version = events[events.len() - 1].version();
        for codec in CODECS {
            let decoded = Codec::decode(&encode(codec, &parts[0], &links, version, marks.as_ref())).unwrap();
            prop_assert_eq!(&decoded.events, &events);
            prop_assert_eq!(decoded.note.as_deref(), note.as_deref());
            prop_assert_eq!(decoded.links.as_deref(), Some(&*links));
            prop_assert_eq!(&decoded.marks, &marks);
            prop_assert_eq!(decoded.id, marks.as_ref().map(|marks| marks.id));
            prop_assert_eq!((&decoded.actor, decoded.version), (events[0].actor(), version));
        }
    }

    #[test]
    fn no_bytes_lead_to_a_panic(mut bytes in any::<Vec<u8>>(), first in proptest::sample::select(&b"\x01{[ "[..])) {
        bytes.insert(0, first);
        let _ = Codec::decode(&bytes.into());
    }

    #[test]
    fn a_damaged_commit_leads_to_no_panic(part in event(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let events = events("order-1", vec![part]);
        for codec in CODECS {
            let parts = Commit::events(&events).parts().unwrap();
            let mut bytes = encode(codec, &parts[0], &[9, 3], Version::new(1), None).to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Codec::decode(&bytes.into());
        }
    }
}

#[test]
fn a_commit_without_events_comes_back() {
    let actor = ActorId::new("order-1").unwrap();
    let commit = Commit::note_only(&actor, Head::new(4, Version::new(7)), b"\0note");
    let parts = commit.parts().unwrap();
    assert!(matches!(parts[0].expected(), Expected::At(_)));
    let marks = CommitMarks::new(commit.id(), 0, vec![actor.clone()]);
    for (codec, marks) in CODECS.into_iter().flat_map(|codec| [(codec, None), (codec, Some(&marks))]) {
        let decoded = Codec::decode(&encode(codec, &parts[0], &[4], Version::new(7), marks)).unwrap();
        assert_eq!((decoded.version, decoded.id), (Version::new(7), Some(commit.id())));
        assert_eq!(decoded.note.as_deref(), Some(&b"\0note"[..]));
        assert!(decoded.events.is_empty());
    }
}

#[test]
fn json_is_a_cloud_event_that_others_can_read() {
    let actor = ActorId::new("order-1").unwrap();
    let time = time::macros::datetime!(2026-01-02 03:04:05.6 UTC);
    let event = Event::builder(&actor, Version::new(2), "OrderPlaced")
        .id(Uuid::from_u128(7))
        .timestamp(time)
        .metadata("user_id", "ada")
        .data(&serde_json::json!({"total": 100}))
        .build()
        .unwrap();
    let parts = Commit::event(&event).parts().unwrap();
    let bytes = encode(Codec::CloudEventsJson, &parts[0], &[], Version::new(2), None);
    assert_eq!(
        std::str::from_utf8(&bytes).unwrap(),
        concat!(
            r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000007","type":"OrderPlaced","#,
            r#""source":"t_events","subject":"order-1","time":"2026-01-02T03:04:05.6Z","version":"2","#,
            r#""usermetadata":"{\"user_id\":\"ada\"}","links":"","#,
            r#""datacontenttype":"application/json","data":{"total":100}}"#
        )
    );
}

#[test]
fn what_others_write_is_read() {
    let foreign =
        br#" {"specversion":"1.0","id":"00000000-0000-0000-0000-000000000007","type":"A","source":"x",
        "subject":"order-1","time":"2026-01-02T03:04:05+01:00","version":"2","data": null, "other": [1]}"#;
    let decoded = Codec::decode(&Bytes::from_static(foreign)).unwrap();
    assert_eq!(decoded.links, None);
    assert_eq!(decoded.events[0].payload(), &Payload::json(&()).unwrap());
    let no_content_type =
        br#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000007","type":"A","source":"x",
        "subject":"order-1","time":"2026-01-02T03:04:05Z","version":"2","datacontenttype":"","data":1}"#;
    assert!(Codec::decode(&Bytes::from_static(no_content_type)).is_err());
    let no_version = br#"{"specversion":"1.0","id":"1","type":"A","source":"x","subject":"order-1"}"#;
    assert!(Codec::decode(&Bytes::from_static(no_version)).is_err());
}
