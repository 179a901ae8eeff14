//! A user with the documented permissions can do everything; one without is told what is missing.

use std::time::Duration;

use crate::common::{actor, collect, event, versions};
use aether_core::{
    ActorSnapshot, EventStore, EventStoreExt, Head, ReadError, ReadFrom, SaveError, SnapshotStore, Version,
};
use aether_nats_server::NatsServer;
use aether_store_jetstream::{Denials, JetStreamConfig, JetStreamEventStore, OpenError, Timeouts};
use futures_util::TryStreamExt;

/// The permissions that the documentation of the crate lists, for the stream `t_events` and its snapshots.
const PERMITTED: &str = r#"publish: { allow: [
    "t_events.>", "t_events_snapshots.>",
    "$JS.API.STREAM.INFO.t_events", "$JS.API.STREAM.INFO.t_events_snapshots",
    "$JS.API.STREAM.MSG.GET.t_events", "$JS.API.STREAM.MSG.GET.t_events_snapshots",
    "$JS.API.DIRECT.GET.t_events",
    "$JS.API.CONSUMER.CREATE.t_events", "$JS.FC.t_events.>"
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

fn config() -> JetStreamConfig {
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

/// The streams, made by somebody who may.
async fn provision(server: &NatsServer) {
    let admin = connect(server, "admin", &Denials::new()).await;
    JetStreamEventStore::create(admin, config()).await.unwrap();
}

async fn restricted(server: &NatsServer) -> Result<JetStreamEventStore, OpenError> {
    let denials = Denials::new();
    let client = connect(server, "app", &denials).await;
    JetStreamEventStore::open(client, config().denials(denials)).await
}

#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let server = server(PERMITTED);
    provision(&server).await;
    let store = restricted(&server).await.unwrap();
    let (a, b) = (actor("order-1"), actor("order-2"));
    for version in 1..=20 {
        store.save_event(&event(&a, version)).await.unwrap();
    }
    let both = [event(&a, 21), event(&b, 1)];
    let saved = store.save_events(&both).await.unwrap();
    assert!(store.confirm(&a, saved.head).await.unwrap());
    let read = collect(store.get_events(&a, Version::new(15))).await.unwrap();
    assert_eq!(versions(&read), (15..=21).collect::<Vec<_>>());
    assert_eq!(collect(store.get_events_backward(&a, Version::MAX)).await.unwrap().len(), 21);
    assert_eq!(collect(store.get_all(ReadFrom::Start, 100)).await.unwrap().len(), 22);
    assert_eq!(store.get_commits(&b, Head::NONE).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert_eq!(store.get_actors("order", None, 10).await.unwrap(), [a.clone(), b]);
    store.save_snapshot(&ActorSnapshot::new(&a, Version::new(21), &1).unwrap()).await.unwrap();
    assert!(store.load_snapshot(&a).await.unwrap().is_some());
}

#[tokio::test]
async fn a_user_who_may_not_create_streams_is_told_so() {
    let server = server(PERMITTED);
    let denials = Denials::new();
    let client = connect(&server, "app", &denials).await;
    let error = JetStreamEventStore::create(client, config().denials(denials)).await.unwrap_err();
    let OpenError::PermissionDenied { operation } = &error else { panic!("{error}") };
    assert!(operation.contains("STREAM.CREATE.t_events"), "{operation}");
}

#[tokio::test]
async fn what_is_missing_is_named_and_no_timeout() {
    for (missing, operation) in [
        (r#""t_events.>", "#, "save"),
        (r#""$JS.API.STREAM.MSG.GET.t_events", "#, "read"),
        (r#""$JS.API.CONSUMER.CREATE.t_events", "#, "all"),
    ] {
        let permitted = PERMITTED.replacen(missing, "", 1);
        assert_ne!(permitted, PERMITTED);
        let server = server(&permitted);
        provision(&server).await;
        let store = restricted(&server).await.unwrap();
        let a = actor("order-1");
        let error: Box<dyn std::error::Error> = match operation {
            "save" => match store.save_event(&event(&a, 1)).await.unwrap_err() {
                SaveError::PermissionDenied { operation } => operation.into(),
                other => panic!("{other}"),
            },
            "read" => match store.get_head(&a).await.unwrap_err() {
                ReadError::PermissionDenied { operation } => operation.into(),
                other => panic!("{other}"),
            },
            _ => {
                store.save_event(&event(&a, 1)).await.unwrap();
                match collect(store.get_all(ReadFrom::Start, 1)).await.unwrap_err() {
                    ReadError::PermissionDenied { operation } => operation.into(),
                    other => panic!("{other}"),
                }
            }
        };
        assert!(error.to_string().contains("Permissions Violation"), "{error}");
    }
}
