//! Commands and queries on their way through a real NATS, while shards move by hand and nodes freeze and die; nodes that
//! speak different versions.

#[path = "../../../../aether-actor/tests/it/account.rs"]
mod account;
mod failing;
mod moving;
mod world;

use std::sync::Arc;
use std::time::Duration;

use aether_actor::{ActorError, Delivery, RemoteCommand, RemoteQuery, Router, Since};
use aether_core::ActorId;
use aether_nats_server::{shared_r1, unique_name};
use tokio::time::Instant;

use self::world::soon;
use super::observer::RoutingObserver;
use super::wire::Versions;
use super::{ClusterRouter, RoutingConfig};
use crate::{Incarnation, ShardId};

/// An observer that ignores everything.
#[derive(Debug)]
struct Unobserved;

impl RoutingObserver for Unobserved {}

/// The version before the next one.
const OLD: Versions = Versions { lowest: 1, highest: 1 };
/// Both of them.
const NEW: Versions = Versions { lowest: 1, highest: 2 };

async fn config(prefix: &str, versions: Versions) -> (async_nats::Client, RoutingConfig) {
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let mut config = RoutingConfig::new(prefix, 1);
    config.versions = versions;
    (client, config)
}

async fn client(prefix: &str, versions: Versions) -> ClusterRouter {
    let (client, config) = config(prefix, versions).await;
    ClusterRouter::client(client, config, Arc::new(Unobserved), soon()).await.unwrap()
}

/// A node without any actors: what it is asked fails, which it can only say of what it has read.
async fn node(prefix: &str, versions: Versions) -> (Incarnation, ClusterRouter, aether_actor::ActorSystem) {
    let (client, config) = config(prefix, versions).await;
    let me = Incarnation::new();
    let router = ClusterRouter::node(client, config, me, Arc::new(Unobserved), soon()).await.unwrap();
    let store = aether_store_memory::MemoryEventStore::new();
    let system = aether_actor::ActorSystem::builder(store).start().await.unwrap();
    let control = router.control();
    control.bind(&system);
    control.hears_itself_until(Instant::now() + Duration::from_secs(3600));
    control.listen(ShardId::new(0), soon()).await.unwrap();
    control.act(ShardId::new(0)).await.unwrap();
    (me, router, system)
}

async fn is_understood(router: &ClusterRouter) -> bool {
    let query = RemoteQuery::new("Any", "null", soon());
    let failed = router.query(&ActorId::new("account-1").unwrap(), query).await.unwrap_err();
    assert!(matches!(failed, ActorError::NotRegistered { .. } | ActorError::Elsewhere { .. }), "{failed:?}");
    matches!(failed, ActorError::NotRegistered { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_versions_understand_each_other() {
    for (asks, answers, begins) in [(NEW, OLD, 2), (NEW, NEW, 2), (OLD, NEW, 1), (NEW, NEW, 1)] {
        let prefix = unique_name("versions");
        let (me, _router, _system) = node(&prefix, answers).await;
        let client = client(&prefix, asks).await;
        client.control().speak(begins);
        client.control().set_owners(vec![Some(me)]);
        assert!(is_understood(&client).await, "{asks:?} asks {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_without_a_common_one_are_told() {
    let prefix = unique_name("versions");
    let only_new = Versions { lowest: 2, highest: 2 };
    let (me, _router, _system) = node(&prefix, only_new).await;
    let client = client(&prefix, OLD).await;
    client.control().set_owners(vec![Some(me)]);
    assert!(!is_understood(&client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_given_up_leave_nothing_behind() {
    let client = client(&unique_name("leak"), OLD).await;
    let actor = ActorId::new("account-1").unwrap();
    for _ in 0..50 {
        let deadline = Instant::now() + Duration::from_millis(20);
        let delivery = Delivery::new(aether_actor::CommandId::new(), Since::Ever, deadline);
        let command = RemoteCommand::new("Any", "null", delivery, 0);
        let asked = client.command(&actor, command);
        let given_up = tokio::time::timeout(Duration::from_millis(5), asked).await;
        assert!(given_up.is_err() || given_up.unwrap().is_err());
    }
    assert_eq!(client.open_calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_owners_does_not_disturb_who_begins_to_listen() {
    let (me, router, _system) = node(&unique_name("listening"), OLD).await;
    let (shard, began) = (ShardId::new(0), Instant::now());
    while began.elapsed() < Duration::from_secs(1) {
        let within = Instant::now() + Duration::from_secs(10);
        router.control().set_owners(vec![Some(me)]);
        router.control().unlisten(shard, within).await.unwrap();
        router.control().listen(shard, within).await.unwrap();
    }
}
