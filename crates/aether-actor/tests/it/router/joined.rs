//! Systems in one process that are joined by routers, and who acts for which actor among them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_actor::{
    ActorError, ActorOptions, ActorSystem, ActorSystemBuilder, Delivery, DrainGate, Failure, Permit,
    QueryReply, RemoteCommand, RemoteQuery, Replied, Router, WeakSystem,
};
use aether_core::ActorId;
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;

use super::gate::Gate;
use crate::account::Account;

/// How long anything here may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// What is between the systems.
#[derive(Default)]
pub(crate) struct Net {
    systems: Mutex<Vec<WeakSystem>>,
    /// Who acts for an actor: the first system, unless it is said here.
    owners: Mutex<HashMap<ActorId, usize>>,
    entries: Mutex<HashMap<(usize, ActorId), Arc<DrainGate>>>,
    /// Every delivery that has gone from one process to another.
    sent: Mutex<Vec<Delivery>>,
    /// How many replies are still to be lost.
    to_lose: Mutex<usize>,
    /// Whether nothing arrives.
    cut: Mutex<bool>,
}

impl Net {
    /// Two systems over this store, and what is between them.
    pub(crate) async fn join(
        store: &MemoryEventStore,
        options: ActorOptions,
        more: impl Fn(ActorSystemBuilder) -> ActorSystemBuilder,
    ) -> (Arc<Self>, [ActorSystem; 2]) {
        let net = Arc::new(Self::default());
        let start = |me| {
            let builder = ActorSystem::builder(store.clone()).router(net.router(me));
            more(builder.actor_with::<Account>(options.clone()).actor_with::<Gate>(options.clone())).start()
        };
        let systems = [start(0).await.unwrap(), start(1).await.unwrap()];
        *net.systems.lock().unwrap() = systems.iter().map(ActorSystem::downgrade).collect();
        (net, systems)
    }

    /// Two systems over a store of their own, with accounts.
    pub(crate) async fn two() -> (Arc<Self>, [ActorSystem; 2], MemoryEventStore) {
        let store = MemoryEventStore::new();
        let (net, systems) = Self::join(&store, ActorOptions::default(), |builder| builder).await;
        (net, systems, store)
    }

    /// The router of a process: of one of the systems, or of a client that has none.
    pub(crate) fn router(self: &Arc<Self>, me: usize) -> Arc<dyn Router> {
        Arc::new(Node { me, net: Arc::clone(self) })
    }

    fn owner(&self, actor: &ActorId) -> usize {
        self.owners.lock().unwrap().get(actor).copied().unwrap_or(0)
    }

    /// The door of an actor at a process; open at first where its owner is.
    pub(crate) fn entries(&self, at: usize, actor: &ActorId) -> Arc<DrainGate> {
        let owner = self.owner(actor);
        let mut entries = self.entries.lock().unwrap();
        let entries = entries.entry((at, actor.clone())).or_insert_with(|| {
            let entries = DrainGate::new();
            if at == owner {
                entries.open();
            }
            Arc::new(entries)
        });
        Arc::clone(entries)
    }

    fn system(&self, at: usize) -> Result<ActorSystem, ActorError> {
        self.systems.lock().unwrap()[at].upgrade()
    }

    /// Moves an actor: what is under way is finished, it leaves memory, and then somebody else acts for it.
    pub(crate) async fn hand_over(&self, actor: &ActorId, to: usize) {
        let from = self.owner(actor);
        let entries = self.entries(from, actor);
        entries.close();
        tokio::time::timeout(WITHIN, entries.drained()).await.unwrap();
        self.system(from).unwrap().evict(&|id| id == actor);
        self.give(actor, to);
    }

    /// Lets somebody else act for an actor from now on, and no more.
    pub(crate) fn give(&self, actor: &ActorId, to: usize) {
        self.entries(self.owner(actor), actor).close();
        // Before its owner is another one, so that nobody finds it open who asks for the first time.
        let entries = self.entries(to, actor);
        self.owners.lock().unwrap().insert(actor.clone(), to);
        entries.open();
    }

    pub(crate) fn lose_replies(&self, count: usize) {
        *self.to_lose.lock().unwrap() = count;
    }

    pub(crate) fn cut(&self) {
        *self.cut.lock().unwrap() = true;
    }

    /// What has gone from one process to another.
    pub(crate) fn sent(&self) -> Vec<Delivery> {
        self.sent.lock().unwrap().clone()
    }

    async fn wire(&self) {
        if *self.cut.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}

/// An error as it arrives elsewhere.
fn travelled(error: &ActorError) -> ActorError {
    let json = serde_json::to_string(&Failure::from(error)).unwrap();
    serde_json::from_str::<Failure>(&json).unwrap().into()
}

/// A process.
#[derive(Debug)]
struct Node {
    me: usize,
    net: Arc<Net>,
}

#[async_trait]
impl Router for Node {
    fn enter(&self, actor: &ActorId) -> Option<Permit> {
        self.net.entries(self.me, actor).enter()
    }

    fn is_here(&self, actor: &ActorId) -> bool {
        self.net.entries(self.me, actor).is_open()
    }

    async fn command(&self, actor: &ActorId, command: RemoteCommand) -> Result<Replied, ActorError> {
        let RemoteCommand { name, data, mut delivery, .. } = command;
        loop {
            self.net.wire().await;
            let owner = self.net.owner(actor);
            let Some(permit) = self.net.entries(owner, actor).enter() else { continue };
            self.net.sent.lock().unwrap().push(delivery.clone());
            let replied = self.net.system(owner)?.command_here(actor, &name, &data, delivery.clone()).await;
            drop(permit);
            let is_lost = {
                let mut to_lose = self.net.to_lose.lock().unwrap();
                let is_lost = *to_lose > 0;
                *to_lose = to_lose.saturating_sub(1);
                is_lost
            };
            if !is_lost {
                return replied.map_err(|error| travelled(&error));
            }
            delivery = delivery.again();
        }
    }

    async fn query(&self, actor: &ActorId, query: RemoteQuery) -> Result<QueryReply, ActorError> {
        loop {
            self.net.wire().await;
            let owner = self.net.owner(actor);
            let Some(_permit) = self.net.entries(owner, actor).enter() else { continue };
            let told = self.net.system(owner)?.query_here(actor, query).await;
            return told.map_err(|error| travelled(&error));
        }
    }
}

pub(crate) fn account(name: &str) -> ActorId {
    ActorId::new(format!("account-{name}")).unwrap()
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + WITHIN;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
