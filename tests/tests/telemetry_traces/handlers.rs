//! That one trace crosses from a save to the group or projection that handles its events.

use std::sync::Arc;
use std::time::Duration;

use aether_bus::{BusDelivery, BusOptions, MemoryEventBus, Published};
use aether_coordination::MemoryCoordination;
use aether_core::{ActorId, Event, EventStore, EventStoreExt, Namespace, RecordedEvent, Subscribe, Version};
use aether_group::{ConsumerGroup, each};
use aether_projection::{ApplyError, MemoryModel, Projection};
use aether_store_memory::MemoryEventStore;
use aether_telemetry::Consumer;
use opentelemetry_sdk::trace::SpanData;

use crate::tracing_setup::{Traced, attribute};

const WITHIN: Duration = Duration::from_secs(30);

fn placed() -> Event {
    Event::new(&ActorId::new("order-1").unwrap(), Version::new(1), "OrderPlaced", &100).unwrap()
}

/// Whether the one is a child of the other, which is in another trace's reach only by the event.
#[track_caller]
fn assert_caused(span: &SpanData, by: &SpanData) {
    assert_eq!(span.span_context.trace_id(), by.span_context.trace_id(), "{span:#?}");
    assert_eq!(span.parent_span_id, by.span_context.span_id(), "{span:#?}");
    assert!(span.parent_span_is_remote, "{span:#?}");
}

#[tokio::test]
async fn the_handler_of_a_group_and_what_it_saves_are_part_of_the_trace() {
    let traced = Traced::new();
    let store = Arc::new(MemoryEventStore::new());
    let invoices = store.clone();
    let handler = each(move |event: RecordedEvent, _| {
        let invoices = invoices.clone();
        async move {
            if event.event_type() == "OrderPlaced" {
                let invoice = ActorId::new("invoice-1")?;
                invoices.save_event(&Event::new(&invoice, Version::new(1), "InvoiceSent", &())?).await?;
            }
            Ok(())
        }
    });
    let subscribe: Arc<dyn Subscribe> = store.clone();
    let group = ConsumerGroup::builder("invoices", subscribe, Arc::new(MemoryCoordination::new()));
    let member = group.join(handler).await.unwrap();
    let first = placed();
    let saved = store.save_event(&first).await.unwrap();
    tokio::time::timeout(WITHIN, member.wait_for(saved.position)).await.unwrap().unwrap();
    member.stop().await.unwrap();

    let saves = traced.spans("save memory");
    let handles = traced.spans("handle invoices");
    assert_caused(&handles[0], &saves[0]);
    assert_eq!(attribute(&handles[0], "messaging.message.id"), Some(first.id().to_string()));
    assert_eq!(saves[1].parent_span_id, handles[0].span_context.span_id());
    let invoice = store.get_head(&ActorId::new("invoice-1").unwrap()).await.unwrap();
    assert_eq!(invoice.version(), Version::new(1));
}

struct Count;

impl Projection for Count {
    type View = u64;

    fn name(&self) -> &str {
        "count"
    }

    fn apply(&self, _: &str, count: &mut u64, _: &RecordedEvent) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

#[tokio::test]
async fn a_projection_is_part_of_the_trace_of_each_event() {
    let traced = Traced::new();
    let store = Arc::new(MemoryEventStore::new());
    let saved = store.save_event(&placed()).await.unwrap();
    let model = MemoryModel::new(Count);
    let projector = model.projector(store.clone()).run().await.unwrap();
    projector.wait_for(saved.position, WITHIN).await.unwrap();
    projector.stop().await.unwrap();
    assert_eq!(*model.view(""), 1);
    assert_caused(&traced.span("handle count"), &traced.span("save memory"));
    assert_caused(&traced.span("apply count"), &traced.span("save memory"));
}

#[tokio::test]
async fn what_is_published_carries_the_trace_of_what_is_saved() {
    let traced = Traced::new();
    let (store, bus) = (Arc::new(MemoryEventStore::new()), MemoryEventBus::new());
    let namespace = Namespace::new("tenant").unwrap();
    let mut subscriber = bus.subscribe(&namespace.clone().into(), BusOptions::new()).unwrap();
    let published = Published::new(store, Arc::new(bus.clone()), namespace.clone());
    published.save_event(&placed()).await.unwrap();
    let Some(BusDelivery::Event(event)) = subscriber.recv().await else { panic!("an event was published") };
    Consumer::new("mailer").handling(&event, async {}).await;
    let publish = traced.span("publish tenant");
    assert_eq!(traced.span("save").parent_span_id, publish.span_context.span_id());
    assert_caused(&traced.span("handle mailer"), &publish);

    // An event that was never saved gets the trace of its publication.
    bus.publish(&namespace, &placed()).await.unwrap();
    let Some(BusDelivery::Event(event)) = subscriber.recv().await else { panic!("an event was published") };
    Consumer::new("alone").handling(&event, async {}).await;
    assert_caused(&traced.span("handle alone"), &traced.spans("publish tenant")[1]);
}
