//! Stores in another JetStream domain, or another account: everything works with the documented permissions, and only the
//! acknowledgements of the own stream are believed.

use std::net::TcpListener;
use std::time::Duration;

use crate::common::{actor, collect, event, next_event, versions};
use aether_coordination::{Condition, Coordination, Key, KeyValue, NatsConfig, NatsCoordination, Signals};
use aether_core::{
    ActorId, ActorSnapshot, Event, EventStore, EventStoreExt, Head, ReadFrom, SaveError, SnapshotStore,
    Subscribe, SubscribeOptions, Timer, TimerId, Timers, Version,
};
use aether_nats_server::{NatsServer, shared_r1};
use aether_store_jetstream::{
    Denials, JetStreamConfig, JetStreamEventStore, JetStreamTimers, OpenError, Timeouts,
};
use async_nats::{Client, ConnectOptions};
use futures_util::{StreamExt, TryStreamExt};
use time::OffsetDateTime;

fn config() -> JetStreamConfig {
    let mut timeouts = Timeouts::default();
    timeouts.attempt = Duration::from_secs(1);
    timeouts.save = Duration::from_secs(8);
    timeouts.read = Duration::from_secs(8);
    JetStreamConfig::new("events").namespace("t").timeouts(timeouts)
}

fn bucket() -> NatsConfig {
    NatsConfig::new("groups").namespace("t").deadline(Duration::from_secs(5))
}

/// Uses everything that a store has, over as many bytes as take flow control.
async fn use_store(store: &JetStreamEventStore) {
    let (a, b) = (actor("order-1"), actor("order-2"));
    let text = "x".repeat(8192);
    for version in 1..=150 {
        let large = Event::new(&a, Version::new(version), "Happened", &text).unwrap();
        store.save_event(&large).await.unwrap();
    }
    let both = [event(&a, 151), event(&b, 1)];
    let saved = store.save_events(&both).await.unwrap();
    assert!(store.confirm(&a, saved.head).await.unwrap());
    let read = collect(store.get_events(&a, Version::new(15))).await.unwrap();
    assert_eq!(versions(&read), (15..=151).collect::<Vec<_>>());
    assert_eq!(collect(store.get_all(ReadFrom::Start, 1000)).await.unwrap().len(), 152);
    assert_eq!(store.get_commits(&b, Head::NONE).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert_eq!(store.get_actors("order", None, 10).await.unwrap(), [a.clone(), b]);
    store.save_snapshot(&ActorSnapshot::new(&a, Version::new(151), &1).unwrap()).await.unwrap();
    assert!(store.load_snapshot(&a).await.unwrap().is_some());
    let mut subscription = store.subscribe(&SubscribeOptions::default()).await.unwrap();
    for _ in 0..152 {
        next_event(&mut subscription).await;
    }
    store.save_event(&event(&a, 152)).await.unwrap();
    assert_eq!(next_event(&mut subscription).await.version(), Version::new(152));
}

async fn use_timers(timers: &JetStreamTimers) {
    let id = TimerId::new(&ActorId::new("order-1").unwrap(), "t").unwrap();
    let timer = Timer::new(id, OffsetDateTime::UNIX_EPOCH, "payload").unwrap();
    let mut due = timers.due().await.unwrap();
    timers.set(&timer).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(20), due.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((came.timer(), came.attempt()), (&timer, 1));
    came.done().await.unwrap();
    timers.cancel(&timer.id).await.unwrap();
}

async fn use_bucket(bucket: &NatsCoordination) {
    let key = Key::root("leader");
    let mut changes = bucket.watch(&Key::root("leader")).await.unwrap();
    let mut signals = bucket.listen(&key).await.unwrap();
    let revision = bucket.put(&key, "a".into(), Condition::Absent).await.unwrap();
    assert_eq!(bucket.get(&key).await.unwrap().unwrap().revision, revision);
    let below = key.child("x");
    bucket.put(&below, "b".into(), Condition::Absent).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), changes.next()).await.unwrap().unwrap();
    assert_eq!(bucket.entries(&key).await.unwrap().len(), 1);
    bucket.send(&key, "hello".into()).await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), signals.next()).await.unwrap().unwrap();
    assert_eq!(heard, "hello");
    let _: &dyn Coordination = bucket;
}

/// A hub and a leaf node of it, each with a JetStream domain of its own. `remote` is put into the leaf's remote.
fn hub_and_leaf(remote: &str) -> (NatsServer, NatsServer) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("leafnodes {{ listen: \"127.0.0.1:{port}\" }}");
    let hub = NatsServer::builder().domain("hub").config_extra(listen).start().unwrap();
    let remotes = format!("leafnodes {{ remotes: [{{ url: \"nats-leaf://127.0.0.1:{port}\", {remote} }}] }}");
    let leaf = NatsServer::builder().domain("leaf").config_extra(remotes).start().unwrap();
    (hub, leaf)
}

/// A client of `server`, once the JetStream of `domain` can be reached through it.
async fn connect(server: &NatsServer, domain: &str) -> Client {
    let client = async_nats::connect(server.url()).await.unwrap();
    let api = format!("$JS.{domain}.API.INFO");
    for _ in 0..100 {
        if client.request(api.clone(), "".into()).await.is_ok() {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("domain {domain} was never reached");
}

#[tokio::test]
async fn a_store_is_used_from_the_other_side_by_its_domain() {
    let (hub, leaf) = hub_and_leaf("");
    for (server, domain) in [(&leaf, "hub"), (&hub, "leaf")] {
        let client = connect(server, domain).await;
        let config = config().domain(domain);
        let store = JetStreamEventStore::create(client.clone(), config.clone()).await.unwrap();
        use_store(&store).await;
        let timers = JetStreamTimers::create(client.clone(), config.clone()).await.unwrap();
        use_timers(&timers).await;
        let keys = NatsCoordination::create(client.clone(), bucket().domain(domain)).await.unwrap();
        use_bucket(&keys).await;
        // The stream is really there, and not on the server of the client.
        let js = async_nats::jetstream::new(client.clone());
        assert!(js.get_stream(store.stream_name()).await.is_err());
        let js = async_nats::jetstream::with_domain(client, domain);
        js.get_stream(store.stream_name()).await.unwrap();
        js.delete_stream(store.stream_name()).await.unwrap();
        js.delete_stream(format!("{}_snapshots", store.stream_name())).await.unwrap();
        js.delete_stream(timers.stream_name()).await.unwrap();
        js.delete_stream(format!("KV_{}", keys.bucket_name())).await.unwrap();
    }
}

#[tokio::test]
async fn an_acknowledgement_of_another_domain_is_not_believed() {
    // What is saved at the leaf never gets to the hub.
    let (_hub, leaf) = hub_and_leaf(r#"deny_exports: ["t_events.>"]"#);
    let client = connect(&leaf, "hub").await;
    // A stream of the same name, with the same subjects, at the leaf.
    JetStreamEventStore::create(client.clone(), config().domain("leaf")).await.unwrap();
    NatsCoordination::create(client.clone(), bucket().domain("leaf")).await.unwrap();
    let store = JetStreamEventStore::create(client.clone(), config().domain("hub")).await.unwrap();
    let (a, b) = (actor("order-1"), actor("order-2"));
    let names_both = |text: String| text.contains("of domain hub") && text.contains("of domain leaf");
    for events in [vec![event(&a, 1)], vec![event(&b, 1), event(&actor("order-3"), 1)]] {
        let error = store.save_events(&events).await.unwrap_err();
        let SaveError::UnknownOutcome(source) = &error else { panic!("{error}") };
        assert!(names_both(source.to_string()), "{source}");
        assert_eq!(store.get_head(&a).await.unwrap(), Head::NONE);
    }
    store.confirm(&a, Head::NONE).await.unwrap_err();
    // Buckets are written below the API of their domain, so that they cannot be taken for each other.
    let keys = NatsCoordination::create(client.clone(), bucket().domain("hub")).await.unwrap();
    keys.put(&Key::root("k"), "hub".into(), Condition::Absent).await.unwrap();
    let own = NatsCoordination::open(client, bucket()).await.unwrap();
    assert_eq!(own.get(&Key::root("k")).await.unwrap(), None);
    own.put(&Key::root("k"), "leaf".into(), Condition::Absent).await.unwrap();
}

#[tokio::test]
async fn what_both_domains_have_stored_is_found_in_the_own_stream() {
    let (_hub, leaf) = hub_and_leaf("");
    let client = connect(&leaf, "hub").await;
    let store = JetStreamEventStore::create(client.clone(), config().domain("hub")).await.unwrap();
    let (a, b) = (actor("order-1"), actor("order-2"));
    // Before the other stream is there, so that the sequences of the two differ: an acknowledgement of the other stream that
    // was believed would give a wrong head.
    store.save_event(&event(&b, 1)).await.unwrap();
    let other = JetStreamEventStore::create(client.clone(), config().domain("leaf")).await.unwrap();
    for version in 1..=20 {
        let saved = store.save_event(&event(&a, version)).await.unwrap();
        assert_eq!(store.get_head(&a).await.unwrap(), saved.head);
    }
    assert_eq!(collect(store.get_events(&a, Version::new(1))).await.unwrap().len(), 20);
    // The other stream took the first one, and refused those that expect sequences of the own stream.
    assert_eq!(collect(other.get_events(&a, Version::new(1))).await.unwrap().len(), 1);
    store.save_event(&event(&b, 2)).await.unwrap();
    assert!(
        store.stats().unknown > 0,
        "no acknowledgement of the other stream came first: {:?}",
        store.stats()
    );
}

#[tokio::test]
async fn a_full_stream_of_another_domain_does_not_hide_what_was_saved() {
    let (_hub, leaf) = hub_and_leaf("");
    let client = connect(&leaf, "hub").await;
    let store = JetStreamEventStore::create(client.clone(), config().domain("hub")).await.unwrap();
    // Full from the first message on.
    JetStreamEventStore::create(client, config().domain("leaf").max_bytes(1)).await.unwrap();
    for n in 1..=20 {
        let order = actor(&format!("order-{n}"));
        match store.save_event(&event(&order, 1)).await {
            Ok(saved) => assert_eq!(store.get_head(&order).await.unwrap(), saved.head),
            Err(error) => assert!(matches!(error, SaveError::UnknownOutcome(_)), "{error:?}"),
        }
        // It stands in any case, so nothing may say that it does not.
        assert_eq!(store.get_latest_version(&order).await.unwrap(), Version::new(1));
    }
}

/// Returns whether the reason of an error is a closed connection.
fn is_closed(error: Option<impl std::fmt::Debug>) -> bool {
    error.is_some_and(|error| format!("{error:?}").contains("Closed"))
}

#[tokio::test]
async fn a_closed_connection_is_told_at_once() {
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let store = JetStreamEventStore::create(client.clone(), crate::common::config()).await.unwrap();
    client.drain().await.unwrap();
    let order = actor("order-1");
    let closed = async {
        // Draining ends the connection soon, not at once.
        while !is_closed(store.get_head(&order).await.err()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        store.save_event(&event(&order, 1)).await.unwrap_err()
    };
    // Far below the deadlines of reads and saves, which are 30 s.
    let error = tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
    assert!(is_closed(Some(error)));
}

#[tokio::test]
async fn a_domain_that_is_not_there_is_no_store() {
    let server = NatsServer::builder().domain("hub").start().unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let error = JetStreamEventStore::create(client, config().domain("moon")).await.unwrap_err();
    assert!(matches!(error, OpenError::Unsupported(_) | OpenError::Unavailable(_)), "{error}");
}

/// The subjects to which a user of a store, its timers and a bucket publishes, `JS` being the prefix of the API. With the
/// acknowledgements and the flow control of both forms.
const PUBLISHED: [&str; 20] = [
    "t_events.>",
    "t_events_snapshots.>",
    "t_events_timers.>",
    "$KV.t_groups.>",
    "JS.STREAM.INFO.t_events",
    "JS.STREAM.INFO.t_events_snapshots",
    "JS.STREAM.INFO.t_events_timers",
    "JS.STREAM.INFO.KV_t_groups",
    "JS.STREAM.MSG.GET.t_events",
    "JS.STREAM.MSG.GET.t_events_snapshots",
    "JS.STREAM.MSG.GET.KV_t_groups",
    "JS.STREAM.PURGE.t_events_timers",
    "JS.DIRECT.GET.t_events",
    "JS.CONSUMER.CREATE.t_events",
    "JS.CONSUMER.CREATE.KV_t_groups",
    "JS.CONSUMER.CREATE.t_events_timers.due",
    "JS.CONSUMER.MSG.NEXT.t_events_timers.due",
    "$JS.FC.{v}t_events.>",
    "$JS.ACK.{v}t_events_timers.due.>",
    "aether.t_groups.>",
];

/// The subjects, with this prefix of the API, in the first form or the second (`*.*` is domain and account).
fn published(api: &str, is_v2: bool) -> impl Iterator<Item = String> {
    let v = if is_v2 { "*.*." } else { "" };
    PUBLISHED.iter().map(move |subject| match subject.strip_prefix("JS.") {
        Some(operation) => format!("{api}.{operation}"),
        None => subject.replace("{v}", v),
    })
}

fn permissions(api: &str, is_v2: bool) -> String {
    let published: Vec<_> = published(api, is_v2).map(|subject| format!("\"{subject}\"")).collect();
    let published = published.join(", ");
    format!(
        r#"permissions: {{ publish: {{ allow: [{published}, "_INBOX_app.>"] }},
            subscribe: {{ allow: ["_INBOX_app.>", "aether.t_groups.>"] }} }}"#
    )
}

async fn login(server: &NatsServer, user: &str, denials: &Denials) -> Client {
    let options = ConnectOptions::with_user_and_password(user.into(), "secret".into());
    let options = denials.watch(options).custom_inbox_prefix(format!("_INBOX_{user}"));
    options.connect(server.url()).await.unwrap()
}

/// Streams and bucket, made by an administrator of the account that has them.
async fn provision(server: &NatsServer) {
    let admin = login(server, "admin", &Denials::new()).await;
    JetStreamEventStore::create(admin.clone(), config()).await.unwrap();
    JetStreamTimers::create(admin.clone(), config()).await.unwrap();
    NatsCoordination::create(admin, bucket()).await.unwrap();
}

/// Uses everything as `app`, under this prefix of the API.
async fn use_as_app(server: &NatsServer, prefix: &str) {
    let denials = Denials::new();
    let client = login(server, "app", &denials).await;
    let config = config().denials(denials.clone()).api_prefix(prefix);
    let store = JetStreamEventStore::open(client.clone(), config.clone()).await.unwrap();
    use_store(&store).await;
    let timers = JetStreamTimers::open(client.clone(), config).await.unwrap();
    use_timers(&timers).await;
    let keys = bucket().denials(denials.clone()).api_prefix(prefix);
    let keys = NatsCoordination::open(client, keys).await.unwrap();
    use_bucket(&keys).await;
    assert_eq!(denials.count(), 0, "{denials:?}");
}

/// One account has the streams, and exports to another what a user of them needs, under `imported.JS`.
fn accounts(is_v2: bool) -> String {
    let (mut exports, mut imports) = (Vec::new(), Vec::new());
    for (exported, imported) in published("$JS.API", is_v2).zip(published("imported.JS", is_v2)) {
        if exported.starts_with("aether.") {
            continue;
        }
        let response = if exported.contains("MSG.NEXT") { ", response_type: stream" } else { "" };
        exports.push(format!("{{ service: \"{exported}\"{response} }}"));
        imports.push(format!(
            "{{ service: {{ account: OWNER, subject: \"{exported}\" }}, to: \"{imported}\" }}"
        ));
    }
    let (exports, imports) = (exports.join("\n"), imports.join("\n"));
    let permissions = permissions("imported.JS", is_v2);
    format!(
        r#"accounts {{
            OWNER: {{
                jetstream: enabled
                users: [{{ user: admin, password: secret }}]
                exports: [
                    {exports}
                    {{ stream: "_INBOX_app.>" }}
                ]
            }}
            APP: {{
                users: [{{ user: app, password: secret, {permissions} }}]
                imports: [
                    {imports}
                    {{ stream: {{ account: OWNER, subject: "_INBOX_app.>" }} }}
                ]
            }}
        }}"#
    )
}

#[tokio::test]
async fn a_store_that_is_imported_from_another_account_works_with_the_documented_permissions() {
    let server = NatsServer::builder().config_extra(accounts(false)).start().unwrap();
    provision(&server).await;
    use_as_app(&server, "imported.JS").await;
}

#[tokio::test]
async fn acknowledgements_and_flow_control_of_the_second_form_work_in_one_account_and_across_two() {
    let v2 = "feature_flags { js_ack_fc_v2: true }";
    let permissions = permissions("$JS.API", true);
    let users = format!(
        r#"authorization {{ users: [
            {{ user: admin, password: secret }},
            {{ user: app, password: secret, {permissions} }}
        ] }}"#
    );
    let server = NatsServer::builder().config_extra(v2).config_extra(users).start().unwrap();
    provision(&server).await;
    use_as_app(&server, "$JS.API").await;
    let server = NatsServer::builder().config_extra(v2).config_extra(accounts(true)).start().unwrap();
    provision(&server).await;
    use_as_app(&server, "imported.JS").await;
}

#[tokio::test]
async fn permissions_of_the_first_form_do_not_cover_the_second() {
    let permissions = permissions("$JS.API", false);
    let users = format!(
        r#"feature_flags {{ js_ack_fc_v2: true }}
        authorization {{ users: [
            {{ user: admin, password: secret }},
            {{ user: app, password: secret, {permissions} }}
        ] }}"#
    );
    let server = NatsServer::builder().config_extra(users).start().unwrap();
    provision(&server).await;
    let denials = Denials::new();
    let client = login(&server, "app", &denials).await;
    let timers = JetStreamTimers::open(client, config().denials(denials)).await.unwrap();
    let id = TimerId::new(&ActorId::new("order-1").unwrap(), "t").unwrap();
    timers.set(&Timer::new(id, OffsetDateTime::UNIX_EPOCH, "payload").unwrap()).await.unwrap();
    let mut due = timers.due().await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(20), due.next()).await.unwrap().unwrap().unwrap();
    let error = came.done().await.unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
}
