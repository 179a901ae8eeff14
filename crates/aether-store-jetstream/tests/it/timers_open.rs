//! Opening timers: what is refused, and in which words.

use std::time::Duration;

use crate::common::{client, config};
use aether_core::{ActorId, Timer, TimerError, TimerId, Timers};
use aether_nats_server::NatsServer;
use aether_store_jetstream::{
    Denials, JetStreamConfig, JetStreamTimers, JetStreamTimersConfig, OpenError, Timeouts,
};
use async_nats::jetstream;
use futures_util::StreamExt;
use time::OffsetDateTime;

fn timer() -> Timer {
    let id = TimerId::new(&ActorId::new("order-1").unwrap(), "t").unwrap();
    Timer::new(id, OffsetDateTime::UNIX_EPOCH, "payload").unwrap()
}

#[tokio::test]
async fn a_server_without_schedules_is_refused_by_name_of_what_it_lacks() {
    let server = NatsServer::builder().version("2.11.11").start().unwrap();
    let old = async_nats::connect(server.url()).await.unwrap();
    for error in [
        JetStreamTimers::create(old.clone(), config()).await.unwrap_err(),
        JetStreamTimers::open(old, config()).await.unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::Unsupported(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("timers") && text.contains("nats-server 2.12 or newer"), "{text}");
    }
}

#[tokio::test]
async fn the_oldest_server_with_schedules_is_enough() {
    let server = NatsServer::builder().version("2.12.8").start().unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let timers = JetStreamTimers::create(client, config()).await.unwrap();
    let mut due = timers.due().await.unwrap();
    timers.set(&timer()).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(20), due.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(came.timer(), &timer());
    came.done().await.unwrap();
    timers.cancel(&timer().id).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_not_created_by_opening() {
    let config = JetStreamTimersConfig::from(config());
    let error = JetStreamTimers::open(client().await, config.clone()).await.unwrap_err();
    let OpenError::NotFound { stream } = &error else { panic!("{error}") };
    assert_eq!(*stream, config.stream_name());
    JetStreamTimers::create(client().await, config.clone()).await.unwrap();
    let opened = JetStreamTimers::open(client().await, config.clone()).await.unwrap();
    assert_eq!(opened.stream_name(), config.stream_name());
    JetStreamTimers::create(client().await, config).await.unwrap();
}

#[tokio::test]
async fn a_stream_of_another_namespace_is_refused() {
    let unique = aether_nats_server::unique_name("timers");
    let dotted = JetStreamConfig::new("events").namespace(format!("{unique}.b"));
    let spaced = JetStreamConfig::new("events").namespace(format!("{unique} b"));
    JetStreamTimers::create(client().await, dotted).await.unwrap();
    let error = JetStreamTimers::create(client().await, spaced).await.unwrap_err();
    assert!(matches!(error, OpenError::ForeignStream { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_that_would_lose_timers_is_refused() {
    let timers = JetStreamTimers::create(client().await, config().max_bytes(9)).await.unwrap();
    let context = jetstream::new(client().await);
    let stream = context.get_stream(timers.stream_name()).await.unwrap();
    let mut changed = stream.cached_info().config.clone();
    assert_eq!(changed.max_bytes, -1, "a limit would drop timers");
    changed.max_age = Duration::from_secs(3600);
    context.update_stream(changed).await.unwrap();
    let owner = timers.stream_name().strip_suffix("_events_timers").unwrap().to_owned();
    let again = JetStreamConfig::new("events").namespace(owner);
    let error = JetStreamTimers::open(client().await, again).await.unwrap_err();
    let OpenError::Contract { differences, .. } = &error else { panic!("{error}") };
    assert_eq!(differences.iter().map(|d| d.setting).collect::<Vec<_>>(), ["max_age"]);
}

/// The permissions that the documentation of the crate lists, for the timers of `t_events`.
const PERMITTED: &str = r#"publish: { allow: [
    "t_events_timers.>", "$JS.API.STREAM.INFO.t_events_timers", "$JS.API.STREAM.PURGE.t_events_timers",
    "$JS.API.CONSUMER.CREATE.t_events_timers.due", "$JS.API.CONSUMER.MSG.NEXT.t_events_timers.due",
    "$JS.ACK.t_events_timers.due.>"
] }, subscribe: { allow: ["_INBOX_app.>"] }"#;

fn server(restricted: &str) -> NatsServer {
    let users = format!(
        r#"authorization {{ users: [
            {{ user: admin, password: secret }},
            {{ user: app, password: secret, permissions: {{ {restricted} }} }}
        ] }}"#
    );
    NatsServer::builder().config_extra(users).start().unwrap()
}

fn short() -> JetStreamConfig {
    let mut timeouts = Timeouts::default();
    timeouts.save = Duration::from_secs(5);
    timeouts.read = Duration::from_secs(5);
    JetStreamConfig::new("events").namespace("t").timeouts(timeouts)
}

async fn connect(server: &NatsServer, user: &str, denials: &Denials) -> async_nats::Client {
    let options = async_nats::ConnectOptions::with_user_and_password(user.into(), "secret".into());
    let options = denials.watch(options).custom_inbox_prefix(format!("_INBOX_{user}"));
    options.connect(server.url()).await.unwrap()
}

/// Timers of a user with these permissions, whose stream was made by somebody who may.
async fn restricted(server: &NatsServer) -> JetStreamTimers {
    let admin = connect(server, "admin", &Denials::new()).await;
    JetStreamTimers::create(admin, short()).await.unwrap();
    let denials = Denials::new();
    let client = connect(server, "app", &denials).await;
    JetStreamTimers::open(client, short().denials(denials)).await.unwrap()
}

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let server = server(PERMITTED);
    let timers = restricted(&server).await;
    let mut due = timers.due().await.unwrap();
    timers.set(&timer()).await.unwrap();
    due.next().await.unwrap().unwrap().again(Duration::from_millis(10)).await.unwrap();
    due.next().await.unwrap().unwrap().done().await.unwrap();
    timers.cancel(&timer().id).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_named_and_no_timeout() {
    let permissions = ["t_events_timers.>", "PURGE", "CREATE", "NEXT", "ACK"];
    for missing in permissions {
        let entry = PERMITTED.split('"').find(|entry| entry.contains(missing)).unwrap();
        let server = server(&PERMITTED.replacen(&format!(r#""{entry}""#), r#""nothing""#, 1));
        let timers = restricted(&server).await;
        let tried = async {
            timers.set(&timer()).await?;
            // Below the first message there is nothing to be purged.
            timers.set(&timer()).await?;
            let mut due = timers.due().await?;
            due.next().await.unwrap()?.done().await
        };
        let error = tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap().unwrap_err();
        let TimerError::PermissionDenied { operation } = &error else { panic!("{missing}: {error}") };
        assert!(operation.contains("Permissions Violation"), "{operation}");
    }
}
