//! Opening a store: what is refused, and in which words.

use std::time::Duration;

use crate::common::{actor, client, config, event};
use aether_core::{EventStoreExt, SaveError};
use aether_nats_server::{NatsServer, unique_name};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, OpenError};
use async_nats::jetstream::stream::{Config, DiscardPolicy};

async fn open(config: JetStreamConfig) -> Result<JetStreamEventStore, OpenError> {
    JetStreamEventStore::open(client().await, config).await
}

async fn create(config: JetStreamConfig) -> Result<JetStreamEventStore, OpenError> {
    JetStreamEventStore::create(client().await, config).await
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_created_by_opening() {
    let config = config();
    let error = open(config.clone()).await.unwrap_err();
    let OpenError::NotFound { stream } = &error else { panic!("{error}") };
    assert_eq!(*stream, config.stream_name());
    assert!(error.to_string().contains("JetStreamEventStore::create"), "{error}");
    create(config.clone()).await.unwrap();
    let opened = open(config.clone()).await.unwrap();
    assert_eq!(opened.stream_name(), config.stream_name());
    create(config).await.unwrap();
}

#[tokio::test]
async fn a_namespace_has_its_own_stream_or_none() {
    let unique = unique_name("open");
    let dotted = || JetStreamConfig::new("events").namespace(format!("{unique}.b"));
    let spaced = || JetStreamConfig::new("events").namespace(format!("{unique} b"));
    assert_eq!(dotted().stream_name(), spaced().stream_name());
    let store = create(dotted()).await.unwrap();
    assert_eq!(store.namespace(), Some(&*format!("{unique}.b")));
    for error in [open(spaced()).await.unwrap_err(), create(spaced()).await.unwrap_err()] {
        let text = error.to_string();
        assert!(matches!(error, OpenError::ForeignStream { .. }), "{text}");
        assert!(text.contains(&format!("{unique} b")) && text.contains(&format!("{unique}.b")), "{text}");
    }
    // The same stream name from another cut between namespace and stream.
    let other = JetStreamConfig::new("b_events".to_string()).namespace(&*unique);
    assert_eq!(other.stream_name(), dotted().stream_name());
    assert!(matches!(open(other).await, Err(OpenError::ForeignStream { .. })));
    let namespaced = JetStreamEventStore::open_namespaced(client().await, "events", format!("{unique}.b"));
    assert_eq!(namespaced.await.unwrap().stream_name(), store.stream_name());
}

#[tokio::test]
async fn a_stream_of_somebody_else_is_refused() {
    let config = config();
    let context = async_nats::jetstream::new(client().await);
    let name = config.stream_name();
    let foreign = Config { subjects: vec![format!("{name}.>")], name, ..Config::default() };
    context.create_stream(foreign).await.unwrap();
    let error = create(config).await.unwrap_err();
    assert!(matches!(error, OpenError::ForeignStream { found: None, .. }), "{error}");
    assert!(error.to_string().contains("not made by Aether"), "{error}");
}

#[tokio::test]
async fn a_stream_that_breaks_the_contract_is_refused_and_capacity_is_not() {
    let config = config().erasure_allowed(true);
    let store = create(config.clone()).await.unwrap();
    let context = async_nats::jetstream::new(client().await);
    let stream = context.get_stream(store.stream_name()).await.unwrap();
    let mut changed = stream.cached_info().config.clone();
    changed.max_bytes = 1_000_000;
    changed.max_age = Duration::from_secs(3600);
    context.update_stream(changed.clone()).await.unwrap();
    open(config.clone()).await.unwrap();
    changed.discard = DiscardPolicy::Old;
    context.update_stream(changed).await.unwrap();
    let error = open(config.clone()).await.unwrap_err();
    let OpenError::Contract { differences, .. } = &error else { panic!("{error}") };
    assert_eq!(differences.iter().map(|d| d.setting).collect::<Vec<_>>(), ["discard policy"]);
    // Erasure is chosen when the stream is created, and cannot be taken back by opening it otherwise.
    let error = open(config.erasure_allowed(false)).await.unwrap_err();
    assert!(error.to_string().contains("deny_delete is false, not true"), "{error}");
}

#[tokio::test]
async fn nobody_deletes_events_unless_erasure_was_chosen() {
    let store = create(config()).await.unwrap();
    let saved = store.save_event(&event(&actor("order-1"), 1)).await.unwrap();
    let context = async_nats::jetstream::new(client().await);
    let stream = context.get_stream(store.stream_name()).await.unwrap();
    stream.delete_message(saved.head.sequence()).await.unwrap_err();
    stream.purge().await.unwrap_err();
}

#[tokio::test]
async fn an_invalid_configuration_is_refused_before_anything_is_asked() {
    let error = open(config().replicas(9)).await.unwrap_err();
    assert!(matches!(error, OpenError::Config(_)), "{error}");
    assert!(error.to_string().contains("`replicas`: 9 is not 1 to 5"), "{error}");
}

#[tokio::test]
async fn an_old_server_is_refused_by_name_of_what_it_lacks() {
    let server = NatsServer::builder().version("2.10.26").start().unwrap();
    let old = async_nats::connect(server.url()).await.unwrap();
    let error = JetStreamEventStore::create(old, config()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unsupported(_)), "{error}");
    assert!(error.to_string().contains("nats-server 2.11 or newer"), "{error}");
}

#[tokio::test]
async fn a_server_without_jetstream_is_named_as_such() {
    let server = NatsServer::builder().jetstream(false).start().unwrap();
    let bare = async_nats::connect(server.url()).await.unwrap();
    let mut timeouts = aether_store_jetstream::Timeouts::default();
    timeouts.read = Duration::from_millis(500);
    let error = JetStreamEventStore::create(bare, config().timeouts(timeouts)).await.unwrap_err();
    assert!(error.to_string().contains("JetStream enabled"), "{error}");
}

#[tokio::test]
async fn several_actors_at_once_need_a_server_that_can() {
    let server = NatsServer::builder().version("2.11.11").start().unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let store = JetStreamEventStore::create(client, config()).await.unwrap();
    let both = [event(&actor("a-1"), 1), event(&actor("b-1"), 1)];
    let error = store.save_events(&both).await.unwrap_err();
    assert!(matches!(error, SaveError::Unsupported(_)), "{error}");
    assert!(error.to_string().contains("2.12"), "{error}");
    let saved = store.save_event(&both[0]).await.unwrap();
    assert!(aether_core::EventStore::confirm(&store, both[0].actor(), saved.head).await.unwrap());
}

#[tokio::test]
async fn what_the_server_will_not_take_is_not_sent() {
    let store = create(config()).await.unwrap();
    let large = aether_core::Event::builder(&actor("order-1"), aether_core::Version::new(1), "Big")
        .payload(aether_core::Payload::binary(vec![7; 800_000]))
        .build()
        .unwrap();
    let error = store.save_event(&large).await.unwrap_err();
    let SaveError::TooLarge { size, limit } = error else { panic!("{error}") };
    assert!(size > limit && limit == 1_048_576, "{size} {limit}");
}
