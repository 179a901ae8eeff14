//! [`Node`]: a member of the cluster with all that follows events, behind a proxy.

use std::sync::Arc;

use aether_actor::{ActorSystemBuilder, ConsumerOptions, EffectContext, HandleError, ProcessOptions};
use aether_cluster::{ClusterManager, NodeId};
use aether_core::Subscribe;
use aether_nats_server::{Proxy, Verdict};
use aether_projection::{KvModel, Projector};
use aether_store_jetstream::{JetStreamEventStore, JetStreamTimers, JetStreamTimersConfig};

use crate::order::{Mail, Order};
use crate::reservation::Reservation;
use crate::stock::Stock;
use crate::tally::Tally;
use crate::witness::Watched;
use crate::world::{PARTITIONS, SOON, World};

/// A member of the cluster with all that follows events.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) manager: ClusterManager,
    projector: Projector,
    proxy: Proxy,
}

impl Node {
    /// Starts a member of this name.
    pub(crate) async fn start(world: &World, name: &str) -> Self {
        let proxy = Proxy::start(world.server).unwrap();
        let (node, witness) = (name.to_owned(), Arc::clone(&world.witness));
        proxy.on_client_message(move |message| {
            witness.passes(&node, message);
            Verdict::Pass
        });
        let connect = async || async_nats::connect(proxy.url()).await.unwrap();

        let client = connect().await;
        let store = JetStreamEventStore::create(client.clone(), world.stream()).await.unwrap();
        let witness = Arc::clone(&world.witness);
        let store = Watched { store, node: name.to_owned(), witness };
        let timers = JetStreamTimersConfig::from(world.stream()).ack_wait(world.suspect_after);
        let timers = Arc::new(JetStreamTimers::create(client, timers).await.unwrap());

        let options = ConsumerOptions::default().partitions(PARTITIONS).suspect_after(world.suspect_after);
        let (node, witness) = (name.to_owned(), Arc::clone(&world.witness));
        let mail = move |_: Mail, context: EffectContext| {
            witness.mailed(&node, context.id);
            std::future::ready(Ok::<(), HandleError>(()))
        };
        let manager = ClusterManager::builder(connect().await, NodeId::new(name).unwrap())
            .namespace(world.namespace.clone())
            .shards(64)
            .heartbeat(world.suspect_after / 10, world.suspect_after)
            .store(store.clone())
            .actor::<Order>()
            .actor::<Stock>()
            .actors(move |builder: ActorSystemBuilder| {
                builder
                    .process_with::<Reservation>(ProcessOptions::default().consumer(options))
                    .timers_with(timers, options)
                    .effect_with::<Mail>(mail, options)
            })
            .start()
            .await
            .unwrap();

        let tally = Tally { node: name.to_owned(), witness: Arc::clone(&world.witness) };
        let model = KvModel::new(tally, Arc::clone(manager.coordination()));
        let suspect_after = world.suspect_after;
        let projector = model
            .projector(Arc::new(store) as Arc<dyn Subscribe>)
            .partitions(PARTITIONS)
            .max_batch(16)
            .group(|group| group.suspect_after(suspect_after).pulse_every(suspect_after / 6))
            .run()
            .await
            .unwrap();
        Self { name: name.to_owned(), manager, projector, proxy }
    }

    /// Leaves in order.
    pub(crate) async fn leave(self) {
        self.projector.stop().await.unwrap();
        self.manager.leave(SOON).await.unwrap();
    }

    /// Is gone from one moment to the next, without a word.
    pub(crate) fn kill(self) {
        self.cut();
        drop(self);
    }

    /// Is cut off from the servers.
    pub(crate) fn cut(&self) {
        self.proxy.cut();
    }

    /// Is not cut off any more.
    pub(crate) fn restore(&self) {
        self.proxy.restore();
    }
}
