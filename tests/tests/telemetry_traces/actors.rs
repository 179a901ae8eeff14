//! That one trace crosses from a request over an actor to what is done because of its events, on another actor.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, ActorSystem, Command, CommandContext, Decision, Handle, Never, Store};
use aether_coordination::MemoryCoordination;
use aether_core::{ActorId, Context, EventFilter, EventStore, RecordedEvent, Version};
use aether_group::{ConsumerGroup, each};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_store_memory::MemoryEventStore;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use crate::tracing_setup::{Traced, attribute, traceparent};

const WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum OrderEvent {
    Placed { item: u32 },
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Place {
    item: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("sold out")]
struct SoldOut;

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Order;

impl Actor for Order {
    const CATEGORY: &'static str = "order";
    type Event = OrderEvent;
    type Error = SoldOut;
    type Commands = (Place,);
    type Queries = ();

    fn evolve(&mut self, _: &OrderEvent) {}
}

impl Handle<Place> for Order {
    type Reply = ();

    fn decide(&self, command: &Place, _: &CommandContext) -> Result<Decision<Self>, SoldOut> {
        match command.item {
            0 => Err(SoldOut),
            13 => panic!("unlucky"),
            item => Ok(Decision::event(OrderEvent::Placed { item })),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum InvoiceEvent {
    Sent,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Send;

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Invoice;

impl Actor for Invoice {
    const CATEGORY: &'static str = "invoice";
    type Event = InvoiceEvent;
    type Error = Never;
    type Commands = (Send,);
    type Queries = ();

    fn evolve(&mut self, _: &InvoiceEvent) {}
}

impl Handle<Send> for Invoice {
    type Reply = ();

    fn decide(&self, _: &Send, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::event(InvoiceEvent::Sent))
    }
}

async fn system(store: &Arc<dyn Store>) -> ActorSystem {
    ActorSystem::builder(Arc::clone(store)).actor::<Order>().actor::<Invoice>().start().await.unwrap()
}

async fn events(store: &Arc<dyn Store>, actor: &str) -> Vec<RecordedEvent> {
    store.get_events(&ActorId::new(actor).unwrap(), Version::ZERO).try_collect().await.unwrap()
}

fn carried(event: &RecordedEvent) -> String {
    event.metadata().traceparent.clone().unwrap()
}

#[track_caller]
fn assert_child(span: &SpanData, of: &SpanData) {
    assert_eq!(span.span_context.trace_id(), of.span_context.trace_id(), "{span:#?}");
    assert_eq!(span.parent_span_id, of.span_context.span_id(), "{span:#?}");
}

#[tokio::test]
async fn one_trace_goes_from_an_ask_over_its_events_to_the_ask_of_a_handler() {
    let traced = Traced::new();
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let system = system(&store).await;
    let order = system.actor::<Order>("1");
    let asked = Context::correlated("request-7").scope(async { order.ask(Place { item: 1 }).await });
    asked.instrument(tracing::info_span!("request")).await.unwrap();

    let (request, ask, turn) = (traced.span("request"), traced.span("ask order"), traced.span("turn order"));
    assert_child(&ask, &request);
    assert_child(&turn, &ask);
    assert_child(&traced.span("save memory"), &turn);
    let placed = events(&store, "order-1").await.remove(0);
    assert_eq!(carried(&placed), traceparent(&ask));
    for (name, value) in [
        ("messaging.system", "aether"),
        ("messaging.operation.name", "ask"),
        ("messaging.operation.type", "send"),
        ("messaging.destination.name", "order"),
        ("messaging.message.id", &*placed.metadata().command_id.clone().unwrap()),
        ("messaging.message.conversation_id", "request-7"),
        ("aether.actor", "order-1"),
        ("aether.command", "Place"),
        ("aether.outcome", "done"),
    ] {
        assert_eq!(attribute(&ask, name).as_deref(), Some(value), "{name}: {ask:#?}");
    }

    let invoices = system.clone();
    let handler = each(move |event: RecordedEvent, _| {
        let invoices = invoices.clone();
        async move {
            let invoice = invoices.actor::<Invoice>(event.actor().key().unwrap_or_default());
            Ok(invoice.ask(Send).await?)
        }
    });
    let log: Arc<dyn Store> = Arc::clone(&store);
    let group = ConsumerGroup::builder("billing", log, Arc::new(MemoryCoordination::new()));
    let member = group.filter(EventFilter::category("order")).join(handler).await.unwrap();
    tokio::time::timeout(WITHIN, member.wait_for(placed.position)).await.unwrap().unwrap();
    member.stop().await.unwrap();

    let (handle, ask_invoice) = (traced.span("handle billing"), traced.span("ask invoice"));
    assert_child(&handle, &ask);
    assert_child(&ask_invoice, &handle);
    assert_child(&traced.span("turn invoice"), &ask_invoice);
    assert_child(&traced.spans("save memory").remove(1), &traced.span("turn invoice"));
    let sent = events(&store, "invoice-1").await.remove(0);
    assert_eq!(carried(&sent), traceparent(&ask_invoice));
    assert_eq!(sent.metadata().correlation_id.as_deref(), Some("request-7"));
    assert_eq!(sent.metadata().causation_id, Some(placed.id().to_string()));
}

#[tokio::test]
async fn commands_that_share_a_commit_keep_their_traces() {
    let traced = Traced::new();
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(unique_name("traces"));
    let store: Arc<dyn Store> = Arc::new(JetStreamEventStore::create(client, config).await.unwrap());
    let system = system(&store).await;
    let order = system.actor::<Order>("1");
    // While the first waits for the store, the others gather.
    let asks = (1..=4).map(|item| order.ask(Place { item }).instrument(tracing::info_span!("request", item)));
    for placed in join_all(asks).await {
        placed.unwrap();
    }

    let placed = events(&store, "order-1").await;
    let (asks, requests) = (traced.spans("ask order"), traced.spans("request"));
    let traces: std::collections::HashSet<_> = asks.iter().map(|ask| ask.span_context.trace_id()).collect();
    assert_eq!((asks.len(), traces.len()), (4, 4), "each request is a trace of its own");
    let expected: Vec<_> = asks.iter().map(traceparent).collect();
    assert_eq!(placed.iter().map(carried).collect::<Vec<_>>(), expected);
    for ask in &asks {
        let request = requests.iter().find(|request| request.span_context.span_id() == ask.parent_span_id);
        assert_child(ask, request.unwrap());
    }

    // The first turn is for one, and the second for three, all of which it links to.
    let turns = traced.spans("turn order");
    assert_eq!(turns.len(), 2, "{turns:#?}");
    assert_child(&turns[0], &asks[0]);
    let linked: Vec<_> = turns[1].links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(linked, asks[1..].iter().map(|ask| ask.span_context.span_id()).collect::<Vec<_>>());
    assert_eq!(attribute(&turns[1], "messaging.batch.message_count").as_deref(), Some("3"));
    for (save, turn) in traced.spans("save").iter().zip(&turns) {
        assert_child(save, turn);
    }
}

#[tokio::test]
async fn what_an_ask_came_to_is_on_its_span() {
    let traced = Traced::new();
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let system = system(&store).await;
    let order = system.actor::<Order>("1");
    order.ask(Place { item: 0 }).await.unwrap_err();
    order.ask(Place { item: 13 }).await.unwrap_err();
    let [refused, panicked] = &*traced.spans("ask order") else { panic!("there were two") };
    // A refusal is an answer.
    assert_eq!(
        (attribute(refused, "aether.outcome").as_deref(), &refused.status),
        (Some("refused"), &Status::Unset)
    );
    assert_eq!(attribute(panicked, "error.type").as_deref(), Some("panicked"));
    assert!(matches!(panicked.status, Status::Error { .. }), "{panicked:#?}");
}

#[tokio::test]
async fn without_a_trace_the_events_of_actors_carry_none() {
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let system = system(&store).await;
    system.actor::<Order>("1").ask(Place { item: 1 }).await.unwrap();
    assert_eq!(events(&store, "order-1").await[0].metadata().traceparent, None);
}
