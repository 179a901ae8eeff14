//! [`Hub`]: the registry of subscriptions, and the [`Route`] of each namespace to its subscribers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether_core::{Event, Namespace};
use papaya::HashMap as ConcurrentMap;
use smallvec::SmallVec;

use crate::group::{Group, Reader, Room, Scope};
use crate::observe::{Kind, Publishing};
use crate::{BusDelivery, BusEvent, BusOptions, NamespacePattern, SubscribeError};

/// How many routes are remembered. Beyond that all are worked out again.
const MAX_ROUTES: usize = 65_536;

/// Who is subscribed to what.
///
/// Publishers of different namespaces share nothing but reads: each namespace has a route of its own, which is worked out
/// again, under the one lock, only after somebody has subscribed or left.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    /// Whose it is.
    kind: Kind,
    routes: ConcurrentMap<Namespace, Arc<Route>, ahash::RandomState>,
    /// Counts the changes of the registry.
    generation: AtomicU64,
    registry: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    /// Groups of one namespace.
    exact: HashMap<Namespace, Vec<Arc<Group>>>,
    /// Groups of patterns.
    wild: Vec<Arc<Group>>,
    /// Groups that a link delivers to.
    linked: HashMap<Scope, Vec<Arc<Group>>>,
    closed: bool,
}

impl Hub {
    #[cfg(feature = "nats")]
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Does something with who gets the events of a namespace. Must be short: it keeps memory from being freed.
    pub(crate) fn with_route<R>(&self, namespace: &Namespace, act: impl FnOnce(&Arc<Route>) -> R) -> R {
        let routes = self.routes.pin();
        match routes.get(namespace) {
            Some(route) if route.generation == self.generation() => act(route),
            _ => {
                let route = Arc::new(self.find_route(namespace));
                if routes.len() >= MAX_ROUTES {
                    routes.clear();
                }
                routes.insert(namespace.clone(), Arc::clone(&route));
                act(&route)
            }
        }
    }

    /// Counts up whenever somebody subscribes or leaves.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn find_route(&self, namespace: &Namespace) -> Route {
        let registry = lock(&self.registry);
        let exact = registry.exact.get(namespace).into_iter().flatten();
        let wild = registry.wild.iter().filter(|group| group.pattern.matches(namespace));
        Route::new(self.generation(), namespace, exact.chain(wild).map(Arc::clone).collect(), self.kind)
    }

    /// Makes somebody a member of the group that gets what is asked for.
    pub(crate) fn join(
        self: &Arc<Self>,
        scope: Scope,
        pattern: &NamespacePattern,
        options: BusOptions,
    ) -> Result<(Reader, Membership), SubscribeError> {
        let BusOptions { filter, lag } = options;
        let mut registry = lock(&self.registry);
        if registry.closed {
            return Err(SubscribeError::Closed);
        }
        let join = |group: &Arc<Group>| {
            let reader = group.join(scope, pattern, &filter, lag)?;
            group.members.fetch_add(1, Ordering::Relaxed);
            Some((reader, Membership { hub: Arc::clone(self), group: Arc::clone(group) }))
        };
        if let Some(joined) = registry.like(pattern).iter().find_map(join) {
            return Ok(joined);
        }
        let (group, reader) = Group::new(scope, pattern.clone(), filter, lag);
        let group = Arc::new(group);
        registry.add(&group);
        self.generation.fetch_add(1, Ordering::Release);
        Ok((reader, Membership { hub: Arc::clone(self), group }))
    }

    fn leave(&self, group: &Arc<Group>) {
        let mut registry = lock(&self.registry);
        if group.members.fetch_sub(1, Ordering::Relaxed) == 1 {
            registry.remove(group);
            self.generation.fetch_add(1, Ordering::Release);
            drop(registry);
            group.abandon();
        }
    }

    /// Ends all subscriptions, once they have read what is left.
    pub(crate) fn close(&self) {
        let mut registry = lock(&self.registry);
        registry.closed = true;
        registry.exact.values().flatten().chain(&registry.wild).for_each(|group| group.close());
    }

    /// The groups that the link of this scope delivers to.
    #[cfg(feature = "nats")]
    pub(crate) fn linked(&self, scope: Scope) -> (u64, Vec<Arc<Group>>) {
        let registry = lock(&self.registry);
        (self.generation(), registry.linked.get(&scope).cloned().unwrap_or_default())
    }
}

impl Registry {
    /// Groups that may be of this pattern.
    fn like(&self, pattern: &NamespacePattern) -> &[Arc<Group>] {
        match pattern.namespace() {
            Some(namespace) => self.exact.get(namespace).map_or(&[], Vec::as_slice),
            None => &self.wild,
        }
    }

    fn add(&mut self, group: &Arc<Group>) {
        match group.pattern.namespace() {
            Some(namespace) => {
                self.exact.entry(namespace.clone()).or_default().push(Arc::clone(group));
            }
            None => self.wild.push(Arc::clone(group)),
        }
        if group.scope != Scope::LOCAL {
            self.linked.entry(group.scope).or_default().push(Arc::clone(group));
        }
    }

    fn remove(&mut self, group: &Arc<Group>) {
        let other = |one: &Arc<Group>| !Arc::ptr_eq(one, group);
        match group.pattern.namespace() {
            Some(namespace) => remove_from(&mut self.exact, namespace, other),
            None => self.wild.retain(other),
        }
        remove_from(&mut self.linked, &group.scope, other);
    }
}

fn remove_from<K: Eq + std::hash::Hash>(
    groups: &mut HashMap<K, Vec<Arc<Group>>>,
    key: &K,
    keep: impl FnMut(&Arc<Group>) -> bool,
) {
    if let Some(list) = groups.get_mut(key) {
        list.retain(keep);
        if list.is_empty() {
            groups.remove(key);
        }
    }
}

/// Somebody's place in a group. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct Membership {
    hub: Arc<Hub>,
    group: Arc<Group>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub.leave(&self.group);
    }
}

/// Who gets the events of one namespace.
#[derive(Debug)]
pub(crate) struct Route {
    /// Of which state of the subscriptions this is true.
    pub(crate) generation: u64,
    namespace: Arc<Namespace>,
    /// In the order in which they were made: publishers that wait for several wait in the same order.
    groups: Vec<Arc<Group>>,
    waits: bool,
    publishing: Publishing,
}

impl Route {
    pub(crate) fn new(generation: u64, namespace: &Namespace, groups: Vec<Arc<Group>>, kind: Kind) -> Self {
        let waits = groups.iter().any(|group| group.lane().is_some());
        let publishing = Publishing::new(kind, namespace);
        Self { generation, namespace: Arc::new(namespace.clone()), groups, waits, publishing }
    }

    /// What is said about what is published here.
    pub(crate) fn publishing(&self) -> &Publishing {
        &self.publishing
    }

    /// Returns whether somebody gets the event whom publishers wait for.
    pub(crate) fn waits_for(&self, event: &Event) -> bool {
        self.waits && self.groups.iter().any(|group| group.lane().is_some() && group.wants(event))
    }

    /// Hands the event to all who want it and have room.
    pub(crate) fn offer(&self, event: &Event) {
        self.publishing.published();
        for group in self.groups.iter().filter(|group| group.wants(event)) {
            group.offer(self.delivery(event));
        }
    }

    /// Waits until all whom publishers wait for have room for the event.
    pub(crate) async fn reserve<'a>(&'a self, event: &Event) -> Reserved<'a> {
        let mut rooms = SmallVec::new();
        if self.waits {
            for group in self.groups.iter().filter(|group| group.wants(event)) {
                let Some(lane) = group.lane() else { continue };
                rooms.extend(lane.reserve().await);
            }
        }
        Reserved { route: self, rooms }
    }

    fn delivery(&self, event: &Event) -> BusDelivery {
        BusDelivery::Event(BusEvent::new(Arc::clone(&self.namespace), event.clone()))
    }
}

/// Room for one event at all whom publishers wait for. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Reserved<'a> {
    route: &'a Route,
    rooms: SmallVec<[Room<'a>; 1]>,
}

impl Reserved<'_> {
    /// Hands the event, for which this was reserved, to all who want it.
    pub(crate) fn deliver(self, event: &Event) {
        // There are fewer rooms than lanes where a subscriber is gone. Each room knows its lane, so which is filled when
        // does not matter.
        let Self { route, rooms } = self;
        route.publishing.published();
        let mut rooms = rooms.into_iter();
        for group in route.groups.iter().filter(|group| group.wants(event)) {
            if group.lane().is_none() {
                group.offer(route.delivery(event));
            } else if let Some(room) = rooms.next() {
                room.fill(route.delivery(event));
            }
        }
    }
}

/// Locks. Nothing in this crate leaves what a lock guards half changed, so one who panicked is no reason to stop.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
