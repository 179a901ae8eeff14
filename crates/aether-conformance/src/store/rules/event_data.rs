//! Rules of what comes back of an event: its fields and its payload.

pub(crate) mod fields {
    //! Fields: an event comes back as it was saved, field by field.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, actor, v};
    use aether_core::{Event, EventBuilder, Version};
    use time::macros::datetime;
    use uuid::Uuid;

    /// Saves one event for each builder, all of one actor, and compares them with what is read.
    async fn come_back(
        fixture: &dyn Fixture,
        with: impl IntoIterator<Item = impl Fn(EventBuilder) -> EventBuilder>,
    ) {
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        let mut sent = Vec::new();
        for (version, with) in (1..).zip(with) {
            let event =
                with(Event::builder(&order, v(version), "Happened")).build().or_fail("making an event");
            store.save_event(&event).await;
            sent.push(event);
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
            assert_eq!(read.len(), sent.len(), "read {way}");
            for (read, sent) in read.iter().zip(&sent) {
                assert_eq!(read.id(), sent.id(), "the id, read {way}");
                assert_eq!(read.event_type(), sent.event_type(), "the event type, read {way}");
                assert_eq!(read.metadata(), sent.metadata(), "the metadata, read {way}");
                assert_eq!(read.timestamp(), sent.timestamp(), "the timestamp, read {way}");
                assert_eq!(&read.event, sent, "the event, read {way}");
            }
        }
    }

    pub(crate) async fn all_come_back(fixture: &dyn Fixture) {
        let full = |event: EventBuilder| {
            event
                .data(&("data", 1))
                .command_id("command-1")
                .correlation_id("correlation-1")
                .causation_id("causation-1")
                .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                .metadata("user_id", "ada")
                .metadata("tenant", "abc")
        };
        let none = |event: EventBuilder| event;
        come_back(fixture, [full as fn(EventBuilder) -> EventBuilder, none]).await;
        let one = [
            (|event| event.command_id("only")) as fn(EventBuilder) -> EventBuilder,
            |event| event.correlation_id("only"),
            |event| event.causation_id("only"),
            |event| event.traceparent("only"),
            |event| event.metadata("only", "one"),
        ];
        come_back(fixture, one).await;
    }

    pub(crate) async fn empty_texts_are_not_absent(fixture: &dyn Fixture) {
        let empty = [
            (|event| event.command_id("").correlation_id("")) as fn(EventBuilder) -> EventBuilder,
            |event| event.causation_id("").traceparent(""),
            |event| event.metadata("key", "").metadata("", "value"),
        ];
        come_back(fixture, empty).await;
    }

    pub(crate) async fn any_uuid_is_an_id(fixture: &dyn Fixture) {
        let ids = [
            Uuid::nil(),
            Uuid::max(),
            Uuid::new_v5(&Uuid::NAMESPACE_URL, b"log/case/1"),
            Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0001),
            Uuid::from_u128(0xffff_0000_1111_2222_3333_4444_5555_6666),
        ];
        come_back(fixture, ids.map(|id| move |event: EventBuilder| event.id(id))).await;
    }

    pub(crate) async fn any_metadata_key_comes_back(fixture: &dyn Fixture) {
        // Among them the names that an envelope has for its own use.
        let keys = [
            "user_id",
            "userId",
            "USER-ID",
            "a.b",
            "a b",
            "ключ",
            "🦀",
            "\"quoted\"",
            "back\\slash",
            "line\nbreak",
            "\u{1}",
            "id",
            "type",
            "source",
            "subject",
            "specversion",
            "time",
            "data",
            "data_base64",
            "datacontenttype",
            "version",
            "commandid",
            "correlationid",
            "causationid",
            "traceparent",
            "metadata",
        ];
        let all = move |event: EventBuilder| {
            keys.iter().fold(event, |event, key| event.metadata(*key, format!("the value of {key}")))
        };
        come_back(fixture, [all]).await;
    }

    pub(crate) async fn any_metadata_value_comes_back(fixture: &dyn Fixture) {
        let values = [
            "\"",
            "\\",
            "{\"json\": 1}",
            "null",
            "line\r\nbreak",
            "\0",
            "é\u{301}🦀",
            " spaces ",
            "%20",
            "1",
        ];
        let all = move |event: EventBuilder| {
            (0..).zip(values).fold(event, |event, (n, value)| event.metadata(format!("key{n}"), value))
        };
        let named = move |event: EventBuilder| {
            event
                .command_id(values[0])
                .correlation_id(values[1])
                .causation_id(values[6])
                .traceparent(values[4])
        };
        come_back(fixture, [all]).await;
        come_back(fixture, [named]).await;
    }

    pub(crate) async fn any_event_type_comes_back(fixture: &dyn Fixture) {
        let types = ["order.placed.v2", "Order Placed", "訂單", "\"quoted\\\"", "\t", ">", "*", "$x"];
        let longest = "x".repeat(Event::MAX_TYPE_LEN);
        let store = Fresh::open(fixture).await;
        let order = actor("order-1");
        for (version, event_type) in (1..).zip(types.into_iter().chain([&*longest])) {
            let event =
                Event::builder(&order, v(version), event_type.to_owned()).build().or_fail("making an event");
            store.save_event(&event).await;
            let read = store.events_from(&order, v(version)).await;
            assert_eq!(read.first().map(|read| read.event_type()), Some(event_type));
        }
    }

    pub(crate) async fn timestamps_are_exact(fixture: &dyn Fixture) {
        let times = [
            datetime!(2024-02-29 23:59:59.999_999_999 UTC),
            datetime!(2024-02-29 12:00:00.000_000_001 UTC),
            datetime!(2024-02-29 12:00:00.1 UTC),
            datetime!(2024-02-29 12:00:00 UTC),
            datetime!(0000-01-01 00:00:00 UTC),
            datetime!(1969-12-31 23:59:59.5 UTC),
            datetime!(9999-12-31 23:59:59.999_999_999 UTC),
            datetime!(2024-03-01 01:30:00.25 +05:30),
        ];
        come_back(fixture, times.map(|time| move |event: EventBuilder| event.timestamp(time))).await;
    }
}

pub(crate) mod payloads {
    //! Payloads: come back byte by byte, whatever they are, and are refused whole where they are too large.

    use crate::store::Fixture;
    use crate::store::support::{Fresh, OrFail, actor, event, json, payload_event};
    use aether_core::{Commit, Head, Payload, SaveError, Version};
    use bytes::Bytes;

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
                assert_eq!(
                    read.payload().content_type(),
                    sent.content_type(),
                    "the content type, read {way}"
                );
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
}
