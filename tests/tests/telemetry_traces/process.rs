//! One trace in two processes. The test runs its own program again, which handles an event and prints its spans.

use std::process::Stdio;
use std::time::Duration;

use aether_core::{ActorId, Delivery, Event, EventStoreExt, Subscribe, SubscribeFrom, Version};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use aether_telemetry::handling;
use aether_testkit::server::{shared_r1, unique_name};
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
    let store = JetStreamEventStore::create(client, config).await.unwrap();

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
    let save = traced.span("save").span_context;

    let span = loop {
        let line = next().await;
        if let Some(span) = line.strip_prefix(SPAN) {
            break span.to_owned();
        }
    };
    let [name, trace, parent] = span.split(' ').collect::<Vec<_>>()[..] else { panic!("{span}") };
    assert_eq!(name, "handle");
    assert_eq!(trace, save.trace_id().to_string());
    assert_eq!(parent, save.span_id().to_string());
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
    let config = JetStreamConfig::new("events").namespace(namespace);
    let store = JetStreamEventStore::open(client, config).await.unwrap();
    let mut subscription = store.subscribe(&SubscribeFrom::Now.into()).await.unwrap();
    println!("\n{READY}");
    let event = loop {
        if let Delivery::Event(event) = subscription.next().await.unwrap().unwrap() {
            break event;
        }
    };
    handling(&event, async {}).await;
    let handle = traced.span("handle");
    println!("\n{SPAN}{} {} {}", handle.name, handle.span_context.trace_id(), handle.parent_span_id);
}
