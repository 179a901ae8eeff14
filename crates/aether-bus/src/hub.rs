//! [`Hub`]: who is subscribed to what, and who gets the events of a namespace.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aether_core::Namespace;
use papaya::HashMap as ConcurrentMap;

use crate::group::{Group, Reader, Scope};
use crate::observe::Kind;
use crate::route::Route;
use crate::sync::lock;
use crate::{BusOptions, NamespacePattern, SubscribeError};

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
