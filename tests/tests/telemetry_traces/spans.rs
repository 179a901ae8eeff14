//! What the spans say, and how they hang together within a process.

use aether_core::{ActorId, Context, Event, EventStore, EventStoreExt, Expected, RecordedEvent, Version};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_store_memory::MemoryEventStore;
use aether_telemetry::{Consumer, Destination, handling, trace};
use futures_util::TryStreamExt;
use opentelemetry::trace::{SpanKind, Status};
use tracing::Instrument;

use crate::tracing_setup::{Traced, attribute, traceparent};

const THEIRS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn actor() -> ActorId {
    ActorId::new("order-1").unwrap()
}

fn event(version: u64) -> Event {
    let builder = Event::builder(&actor(), Version::new(version), "OrderPlaced");
    builder.correlation_id("request-7").build().unwrap()
}

async fn load(store: &impl EventStore) -> Vec<RecordedEvent> {
    store.get_events(&actor(), Version::ZERO).try_collect().await.unwrap()
}

/// Saves and loads, and looks at what both say.
async fn spans_of(store: &impl EventStore, system: &str, destination: &str) {
    let traced = Traced::new();
    let first = event(1);
    store.save_event(&first).await.unwrap();
    let save = traced.span("save");
    assert_eq!(
        (save.name.as_ref(), save.span_kind.clone()),
        (&*format!("save {destination}"), SpanKind::Producer)
    );
    for (name, value) in [
        ("messaging.system", system),
        ("messaging.destination.name", destination),
        ("messaging.operation.name", "save"),
        ("messaging.operation.type", "send"),
        ("messaging.message.id", &first.id().to_string()),
        ("messaging.message.conversation_id", "request-7"),
        ("aether.actor", "order-1"),
        ("aether.event.type", "OrderPlaced"),
    ] {
        assert_eq!(attribute(&save, name).as_deref(), Some(value), "{name}: {save:#?}");
    }
    assert_eq!(attribute(&save, "messaging.batch.message_count"), None);

    // Events that carry a trace context keep it.
    let theirs = Event::builder(&actor(), Version::new(3), "A").traceparent(THEIRS).build().unwrap();
    store.save_events(&[event(2), theirs]).await.unwrap();
    let batch = traced.spans("save").remove(1);
    assert_eq!(attribute(&batch, "messaging.batch.message_count").as_deref(), Some("2"));
    let loaded = load(store).await;
    let carried: Vec<_> = loaded.iter().map(|event| event.metadata().traceparent.clone().unwrap()).collect();
    assert_eq!(carried, [traceparent(&save), traceparent(&batch), THEIRS.to_owned()]);
    let read = traced.span("load");
    assert_eq!(attribute(&read, "messaging.operation.type").as_deref(), Some("receive"));
    assert_eq!(attribute(&read, "messaging.batch.message_count").as_deref(), Some("3"));

    // Saved again it is recognised, whatever the trace.
    store.save_event(&first).await.unwrap();
    assert_eq!(load(store).await, loaded);

    store.save_expecting(&[event(4)], Expected::NoEvents).await.unwrap_err();
    let refused = traced.spans("save").pop().unwrap();
    assert_eq!(attribute(&refused, "error.type").as_deref(), Some("conflict"));
    assert!(matches!(refused.status, Status::Error { .. }), "{:?}", refused.status);
}

#[tokio::test]
async fn the_memory_store_tells_of_saves_and_loads() {
    spans_of(&MemoryEventStore::new(), "aether", "memory").await;
}

#[tokio::test]
async fn the_jetstream_store_tells_of_saves_and_loads() {
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(unique_name("traces"));
    let stream = config.stream_name();
    let store = JetStreamEventStore::create(client, config).await.unwrap();
    spans_of(&store, "nats", &stream).await;
}

#[tokio::test]
async fn without_a_trace_events_stay_as_they_are() {
    let store = MemoryEventStore::new();
    store.save_event(&event(1)).await.unwrap();
    assert_eq!(load(&store).await[0].metadata().traceparent, None);
}

#[tokio::test]
async fn whoever_handles_an_event_is_part_of_its_trace() {
    let traced = Traced::new();
    let store = MemoryEventStore::new();
    let first = event(1);
    let request = tracing::info_span!("request");
    store.save_event(&first).instrument(request).await.unwrap();
    let (request, save) = (traced.span("request"), traced.span("save"));
    assert_eq!(save.parent_span_id, request.span_context.span_id());

    // The trace goes on in the handler, and in what the handler saves; so do correlation and cause.
    let recorded = load(&store).await.remove(0);
    let consumer = Consumer::new("invoices");
    let runner = tracing::info_span!("runner");
    let work = consumer.handling(&recorded, async {
        let invoice = ActorId::new("invoice-1").unwrap();
        let sent = Event::new(&invoice, Version::new(1), "InvoiceSent", &()).unwrap();
        store.save_event(&sent).await.unwrap();
        sent
    });
    let sent = work.instrument(runner).await;
    assert_eq!(sent.metadata().correlation_id.as_deref(), Some("request-7"));
    assert_eq!(sent.metadata().causation_id, Some(first.id().to_string()));
    assert_eq!(Context::current(), None);

    let handle = traced.span("handle invoices");
    assert_eq!(handle.span_kind, SpanKind::Consumer);
    assert_eq!(handle.span_context.trace_id(), save.span_context.trace_id());
    assert_eq!(handle.parent_span_id, save.span_context.span_id());
    assert!(handle.parent_span_is_remote);
    assert_eq!(attribute(&handle, "messaging.consumer.group.name").as_deref(), Some("invoices"));
    assert_eq!(attribute(&handle, "messaging.operation.type").as_deref(), Some("process"));
    let linked: Vec<_> = handle.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(linked, [traced.span("runner").span_context.span_id()]);
    let effect = traced.spans("save").remove(1);
    assert_eq!(effect.span_context.trace_id(), save.span_context.trace_id());
    assert_eq!(effect.parent_span_id, handle.span_context.span_id());
}

#[tokio::test]
async fn whoever_handles_several_events_links_to_them_and_applies_each_in_its_trace() {
    let traced = Traced::new();
    let store = MemoryEventStore::new();
    store.save_event(&event(1)).await.unwrap();
    store.save_events(&[event(2), event(3)]).await.unwrap();
    let events = load(&store).await;
    let saves: Vec<_> = traced.spans("save").iter().map(|span| span.span_context.clone()).collect();
    let consumer = Consumer::new("totals");
    let applied = consumer.handling_all(events.iter().map(|event| &event.event), async {
        events.iter().map(|event| consumer.applying(event, || event.version().get())).sum::<u64>()
    });
    assert_eq!(applied.await, 6);

    let batch = traced.span("handle totals");
    assert_eq!(attribute(&batch, "messaging.batch.message_count").as_deref(), Some("3"));
    let linked: Vec<_> = batch.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(
        linked,
        [saves[0].span_id(), saves[1].span_id()],
        "events that were saved together are one link"
    );
    let parents: Vec<_> = traced.spans("apply totals").iter().map(|span| span.parent_span_id).collect();
    assert_eq!(parents, [saves[0].span_id(), saves[1].span_id(), saves[1].span_id()]);
    for (span, save) in traced.spans("apply").iter().zip([0, 1, 1]) {
        assert_eq!(span.span_context.trace_id(), saves[save].trace_id());
        assert_eq!(span.links.iter().next().unwrap().span_context.span_id(), batch.span_context.span_id());
    }
}

#[tokio::test]
async fn a_span_of_an_event_without_a_trace_begins_one() {
    let traced = Traced::new();
    let carried = handling(&event(1), async { trace::traceparent(&tracing::Span::current()) }).await;
    let handle = traced.span("handle");
    assert_eq!(carried, Some(traceparent(&handle)));
    assert_eq!(handle.name, "handle");
    assert_eq!(handle.parent_span_id, opentelemetry::trace::SpanId::INVALID);
}

#[tokio::test]
async fn a_publication_is_part_of_what_publishes_and_links_to_the_save() {
    let traced = Traced::new();
    let destination = Destination::nats("bus");
    let saved = [event(1).with_traceparent(THEIRS)];
    drop(aether_telemetry::span::publish(&destination, &saved));
    let alone = traced.span("publish bus");
    assert_eq!(alone.span_context.trace_id().to_string(), THEIRS[3..35]);
    assert_eq!(alone.span_kind, SpanKind::Client);

    let request = tracing::info_span!("request");
    request.in_scope(|| drop(aether_telemetry::span::publish(&destination, &saved)));
    drop(request);
    let (inside, request) = (traced.spans("publish").remove(1), traced.span("request"));
    assert_eq!(inside.parent_span_id, request.span_context.span_id());
    let linked: Vec<_> = inside.links.iter().map(|link| link.span_context.span_id().to_string()).collect();
    assert_eq!(linked, [&THEIRS[36..52]]);
}
