//! Payloads: come back byte by byte, whatever they are, and are refused whole where they are too large.

use aether_core::{Commit, Head, Payload, SaveError, Version};
use bytes::Bytes;

use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, actor, event, json, payload_event};

/// Saves one event for each payload and compares what each way of reading gives back.
async fn come_back(fixture: &dyn Fixture, payloads: &[Payload]) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    for (version, payload) in (1..).zip(payloads) {
        store.save_event(&payload_event(&order, version, payload.clone())).await;
    }
    let mut backward = store.backward(&order, Version::MAX).await;
    backward.reverse();
    let commits = store.commits(&order).await.into_iter().flat_map(|commit| commit.events).collect();
    for (way, read) in [
        ("by actor", store.events(&order).await),
        ("with all events", store.all().await),
        ("backward", backward),
        ("by commits", commits),
    ] {
        assert_eq!(read.len(), payloads.len(), "read {way}");
        for (read, sent) in read.iter().zip(payloads) {
            assert_eq!(read.payload().content_type(), sent.content_type(), "the content type, read {way}");
            // Not assert_eq: nobody wants to see a megabyte twice.
            assert!(
                read.payload().bytes() == sent.bytes(),
                "read {way}, {} bytes of {:?} came back changed, as {} bytes",
                sent.len(),
                sent.content_type(),
                read.payload().len()
            );
        }
    }
}

pub(crate) async fn four_ways_to_say_nothing(fixture: &dyn Fixture) {
    let nothing = [Payload::absent(), json("null"), json("\"\""), Payload::binary(Bytes::new())];
    come_back(fixture, &nothing).await;
}

pub(crate) async fn json_comes_back_byte_by_byte(fixture: &dyn Fixture) {
    let texts = [
        "{\"b\": 1,  \"a\":2, \"b\":3}",
        "[1.0, 1e400, -0, 0.1000, 123456789012345678901234567890]",
        "\"\\u00e9 \\/ é \\n \\ud83e\\udd80 🦀\"",
        "{\"nested\": {\"data\": [[], {}, null, true]},\n\t\"line\": \"break\"}",
        "\"{\\\"json\\\": \\\"in a text\\\"}\"",
        "false",
        "0",
        "{}",
    ];
    come_back(fixture, &texts.map(json)).await;
}

pub(crate) async fn binary_comes_back(fixture: &dyn Fixture) {
    let every_byte: Vec<u8> = (0..=255).collect();
    // Each length modulo 3 pads differently in base64.
    let lengths = [1, 2, 3, 4, 255, 256].map(|length| Payload::binary(every_byte[..length].to_vec()));
    come_back(fixture, &lengths).await;
}

pub(crate) async fn content_types_come_back(fixture: &dyn Fixture) {
    let types = [
        ("text/plain; charset=utf-8", "plain ünicode"),
        ("text/plain", ""),
        ("text/xml", "<a>&amp;\"</a>"),
        ("application/vnd.order.v2+json", "{\"total\": 1}"),
        ("application/json; charset=utf-8", "[1]"),
        ("text/json", "null"),
        ("application/x-unknown", "{not json"),
        ("application/octet-stream", "{\"json\": \"as bytes\"}"),
        ("odd \"type\"", "x"),
    ];
    let payload = |(content_type, text): (&'static str, &'static str)| {
        Payload::new(content_type, text).or_fail(format_args!("making a payload of {content_type}"))
    };
    come_back(fixture, &types.map(payload)).await;
}

pub(crate) async fn of_700_kb_binary_come_back(fixture: &dyn Fixture) {
    let bytes: Vec<u8> =
        (0..700 * 1024_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    come_back(fixture, &[Payload::binary(bytes)]).await;
}

pub(crate) async fn of_900_kb_json_come_back(fixture: &dyn Fixture) {
    let item = "\"0123456789 é\",";
    let items = item.repeat(900 * 1024 / item.len());
    come_back(fixture, &[json(format!("[{items}null]"))]).await;
}

pub(crate) async fn over_the_limit_are_refused(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let large = payload_event(&order, 2, Payload::binary(vec![7; fixture.too_large()]));
    let check = |error: SaveError| match error {
        SaveError::TooLarge { size, limit } => {
            assert!(size > limit, "{size} bytes are not over the limit of {limit}");
            assert!(size >= fixture.too_large(), "the commit takes more than {size} bytes");
        }
        other => panic!("the commit was to be too large, not: {other}"),
    };
    check(store.refused(&Commit::event(&large)).await);
    check(store.refused(&Commit::events(&[event(&order, 1), large])).await);
    assert_eq!(store.head(&order).await, Head::NONE, "a part of a refused commit was saved");
    assert!(store.all().await.is_empty(), "a part of a refused commit was saved");
    store.save_event(&event(&order, 1)).await;
    assert_eq!(store.versions(&order).await, [1], "the store is of use after it");
}
