//! [`Route`]: who gets the events of one namespace, worked out once.

use std::sync::Arc;

use aether_core::{Event, Namespace};
use smallvec::SmallVec;

use crate::group::Group;
use crate::lane::Room;
use crate::observe::{Kind, Publishing};
use crate::{BusDelivery, BusEvent};

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

    /// Whether somebody gets the event whom publishers wait for.
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
