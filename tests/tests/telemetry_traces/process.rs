//! One trace in two processes. The test runs its own program again, which handles an event as it comes over the bus, and as
//! it comes from the store, and prints its spans.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aether_bus::{BusDelivery, BusOptions, EventBus, NatsBusConfig, NatsEventBus, Published};
use aether_core::{ActorId, Delivery, Event, EventStoreExt, Namespace, Subscribe, SubscribeFrom, Version};
use aether_nats_server::{shared_r1, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_telemetry::Consumer;
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::tracing_setup::Traced;

const URL: &str = "AETHER_TRACES_URL";
const NAMESPACE: &str = "AETHER_TRACES_NAMESPACE";
/// What the other process prints when it listens, and before each of its spans.
const READY: &str = "listening";
const SPAN: &str = "span ";
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_trace_crosses_from_a_save_to_a_subscriber_in_another_process() {
    let namespace = unique_name("traces");
    let url = shared_r1().unwrap();
    let client = async_nats::connect(&url).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(&namespace);
    let store = JetStreamEventStore::create(client.clone(), config).await.unwrap();
    let bus = NatsEventBus::new(client, NatsBusConfig::default());
    let store = Published::new(Arc::new(store), Arc::new(bus), Namespace::new(&*namespace).unwrap());

    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::other_process", "--ignored", "--nocapture"])
        .envs([(URL, &url), (NAMESPACE, &namespace)])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    let mut next =
        async || tokio::time::timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
    while !next().await.ends_with(READY) {}

    let traced = Traced::new();
    let placed = Event::new(&ActorId::new("order-1").unwrap(), Version::new(1), "OrderPlaced", &100).unwrap();
    store.save_event(&placed).await.unwrap();
    let (publish, save) = (traced.span("publish"), traced.span("save"));
    assert_eq!(save.parent_span_id, publish.span_context.span_id());

    let (mut handlers, origin) = (Vec::new(), publish.span_context);
    while handlers.len() < 2 {
        let line = next().await;
        let Some(span) = line.strip_prefix(SPAN) else { continue };
        let (handler, context) = span.split_once(": ").unwrap();
        assert_eq!(context, format!("{} {}", origin.trace_id(), origin.span_id()), "{handler}");
        handlers.push(handler.to_owned());
    }
    assert_eq!(handlers, ["handle bus", "handle store"]);
    assert!(tokio::time::timeout(DEADLINE, other.wait()).await.unwrap().unwrap().success());
}

/// The other process: no test of its own.
#[tokio::test]
#[ignore = "a part of another test, which runs it"]
#[expect(clippy::print_stdout, reason = "what it prints is read by the test that runs it")]
async fn other_process() {
    let (Ok(url), Ok(namespace)) = (std::env::var(URL), std::env::var(NAMESPACE)) else { return };
    let traced = Traced::new();
    let client = async_nats::connect(&url).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(&*namespace);
    let store = JetStreamEventStore::open(client.clone(), config).await.unwrap();
    let mut subscription = store.subscribe(&SubscribeFrom::Now.into()).await.unwrap();
    let bus = NatsEventBus::new(client, NatsBusConfig::default());
    let namespace = Namespace::new(namespace).unwrap();
    let mut subscriber = bus.subscribe(&namespace.into(), BusOptions::new()).await.unwrap();
    println!("\n{READY}");

    let Some(BusDelivery::Event(published)) = subscriber.recv().await else {
        panic!("an event was published")
    };
    Consumer::new("bus").handling(&published, async {}).await;
    let saved = loop {
        if let Delivery::Event(event) = subscription.next().await.unwrap().unwrap() {
            break event;
        }
    };
    assert_eq!(saved.event, *published.event());
    Consumer::new("store").handling(&saved, async {}).await;
    for handle in traced.spans("handle") {
        println!("\n{SPAN}{}: {} {}", handle.name, handle.span_context.trace_id(), handle.parent_span_id);
    }
}
