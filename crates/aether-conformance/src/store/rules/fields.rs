//! Fields: an event comes back as it was saved, field by field.

use aether_core::{Event, EventBuilder, Version};
use time::macros::datetime;
use uuid::Uuid;

use crate::store::Fixture;
use crate::store::support::{Fresh, OrFail, actor, v};

/// Saves one event for each builder, all of one actor, and compares them with what is read.
async fn come_back(
    fixture: &dyn Fixture,
    with: impl IntoIterator<Item = impl Fn(EventBuilder) -> EventBuilder>,
) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let mut sent = Vec::new();
    for (version, with) in (1..).zip(with) {
        let event = with(Event::builder(&order, v(version), "Happened")).build().or_fail("making an event");
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
    let values =
        ["\"", "\\", "{\"json\": 1}", "null", "line\r\nbreak", "\0", "é\u{301}🦀", " spaces ", "%20", "1"];
    let all = move |event: EventBuilder| {
        (0..).zip(values).fold(event, |event, (n, value)| event.metadata(format!("key{n}"), value))
    };
    let named = move |event: EventBuilder| {
        event.command_id(values[0]).correlation_id(values[1]).causation_id(values[6]).traceparent(values[4])
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
