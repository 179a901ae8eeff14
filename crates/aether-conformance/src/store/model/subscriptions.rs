//! Random saves and subscriptions. The model is a vector of all events: a subscription owes those from an index on that
//! match.

use aether_core::{Delivery, Event, EventFilter, Position, RecordedEvent, SubscribeFrom, SubscribeOptions};
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::Actors;
use super::ops::HANDLES;
use crate::store::Fixture;
use crate::store::support::{Fresh, Reader, Store, actor, mark, next_events, note};

/// The ids of the actors: of two categories.
const IDS: [&str; 4] = ["order", "order-a", "order-*", "invoice-a"];
const TYPES: [&str; 3] = ["Placed", "Paid", "paid"];

/// An operation, through the handle of a number.
#[derive(Debug, Clone)]
pub(super) struct Op {
    handle: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Saves one commit: for each part the actor, and the types of its events.
    Save(Vec<(usize, Vec<usize>)>),
    /// Saves a commit without events.
    Note { actor: usize },
    /// Subscribes.
    Subscribe { from: From, filter: usize },
    /// Reads events of a subscription, as many as there are at most.
    Read { subscription: usize, events: usize },
    /// Drops a subscription.
    Drop { subscription: usize },
}

#[derive(Debug, Clone, Copy)]
enum From {
    Start,
    Now,
    /// After one of the events that are there.
    After(usize),
}

/// A sequence of operations.
pub(super) fn sequence(actors: Actors) -> impl Strategy<Value = Vec<Op>> {
    let parts = match actors {
        Actors::One => vec(part(), 1).boxed(),
        Actors::Several => vec(part(), 1..=IDS.len()).boxed(),
    };
    let from = prop_oneof![Just(From::Start), Just(From::Now), any::<usize>().prop_map(From::After)];
    let what = prop_oneof![
        6 => parts.prop_map(What::Save),
        2 => (0..IDS.len()).prop_map(|actor| What::Note { actor }),
        3 => (from, 0..filters().len()).prop_map(|(from, filter)| What::Subscribe { from, filter }),
        4 => (any::<usize>(), 1..6_usize).prop_map(|(subscription, events)| What::Read { subscription, events }),
        1 => any::<usize>().prop_map(|subscription| What::Drop { subscription }),
    ];
    vec((0..HANDLES, what).prop_map(|(handle, what)| Op { handle, what }), 1..40)
}

fn part() -> impl Strategy<Value = (usize, Vec<usize>)> {
    (0..IDS.len(), vec(0..TYPES.len(), 1..4))
}

fn filters() -> [EventFilter; 8] {
    [
        EventFilter::all(),
        EventFilter::category("order"),
        EventFilter::category("invoice"),
        EventFilter::actor(&actor("order-*")),
        EventFilter::all().types(["Paid"]),
        EventFilter::category("order").types(["Paid", "Placed"]),
        EventFilter::actor(&actor("order-a")).types(["paid"]),
        EventFilter::all().types(["Shipped"]),
    ]
}

/// A subscription, and what the model says of it.
struct Subscribed {
    reader: Reader,
    filter: EventFilter,
    /// The index of the first event that it may deliver.
    start: usize,
    read: Vec<RecordedEvent>,
}

struct Driver {
    handles: Vec<Store>,
    /// All events, in order.
    log: Vec<Event>,
    /// Where the last of them stands.
    last: Position,
    subscribed: Vec<Subscribed>,
}

/// Runs the operations on a fresh storage; what the store did otherwise than the model.
pub(super) async fn run(fixture: &dyn Fixture, ops: &[Op]) -> Result<(), String> {
    let fresh = Fresh::open(fixture).await;
    let handles = fresh.handles(HANDLES).await;
    let mut driver = Driver { handles, log: Vec::new(), last: Position::new(0, 0), subscribed: Vec::new() };
    for (number, op) in ops.iter().enumerate() {
        let answer = driver.run(op).await;
        answer.map_err(|error| format!("operation {}, {op:?}: {error}", number + 1))?;
    }
    driver.finish().await.map_err(|error| format!("at the end: {error}"))
}

impl Driver {
    async fn run(&mut self, op: &Op) -> Result<(), String> {
        let store = &self.handles[op.handle];
        match &op.what {
            What::Save(parts) => self.save(op.handle, parts).await,
            What::Note { actor } => {
                note(store, IDS[*actor]).await;
            }
            What::Subscribe { from, filter } => return self.subscribe(op.handle, *from, *filter).await,
            What::Read { subscription, events } => {
                let Some(index) = subscription.checked_rem(self.subscribed.len()) else { return Ok(()) };
                let subscribed = &mut self.subscribed[index];
                return subscribed.read(*events, &self.log, self.last).await;
            }
            What::Drop { subscription } => {
                if let Some(index) = subscription.checked_rem(self.subscribed.len()) {
                    self.subscribed.swap_remove(index);
                }
            }
        }
        Ok(())
    }

    async fn save(&mut self, handle: usize, parts: &[(usize, Vec<usize>)]) {
        // By actor, in the order in which they come first: as they are stored.
        let mut whose: Vec<usize> = Vec::new();
        for (actor, _) in parts {
            if !whose.contains(actor) {
                whose.push(*actor);
            }
        }
        let of = |id: usize| parts.iter().filter(move |(actor, _)| *actor == id).flat_map(|(_, types)| types);
        let what: Vec<_> =
            whose.iter().flat_map(|&id| of(id).map(move |&kind| (IDS[id], TYPES[kind]))).collect();
        let events = next_events(&self.handles[handle], &what).await;
        self.last = self.handles[handle].save_events(&events).await.position;
        self.log.extend(events);
    }

    async fn subscribe(&mut self, handle: usize, from: From, filter: usize) -> Result<(), String> {
        let store = &self.handles[handle];
        let filter = filters()[filter].clone();
        let (from, start) = match from {
            From::Start => (SubscribeFrom::Start, 0),
            From::Now => (SubscribeFrom::Now, self.log.len()),
            From::After(nth) => match nth.checked_rem(self.log.len()) {
                Some(nth) => (SubscribeFrom::After(store.all().await[nth].position), nth + 1),
                None => (SubscribeFrom::Start, 0),
            },
        };
        let options = SubscribeOptions::from(from).filter(filter.clone());
        let reader = store.try_subscribe(options).await.map_err(|error| error.to_string())?;
        self.subscribed.push(Subscribed { reader, filter, start, read: Vec::new() });
        Ok(())
    }

    /// Reads everything, and compares it.
    async fn finish(&mut self) -> Result<(), String> {
        let end = mark(&self.handles[0]).await;
        self.log.push(end.event);
        let all = self.handles[0].all().await;
        let reading = self.subscribed.iter_mut().map(|subscribed| subscribed.reader.try_until(end.position));
        let rests = join_all(reading).await;
        for (subscribed, rest) in self.subscribed.iter_mut().zip(rests) {
            let rest = rest.map_err(|error| error.to_string())?;
            subscribed.read.extend(rest);
            subscribed.compare(&self.log)?;
            if subscribed.read.len() != subscribed.owed(&self.log).count() {
                return Err(format!("{:?} was not all that matches", subscribed.read));
            }
            if let Some(other) = subscribed.read.iter().find(|event| !all.contains(event)) {
                return Err(format!("{other:?} is read otherwise"));
            }
        }
        Ok(())
    }
}

impl Subscribed {
    /// The events that are there for it.
    fn owed<'a>(&'a self, log: &'a [Event]) -> impl Iterator<Item = &'a Event> {
        log[self.start..].iter().filter(|event| self.filter.matches(event))
    }

    /// Reads events, as many as it is owed at most.
    async fn read(&mut self, events: usize, log: &[Event], last: Position) -> Result<(), String> {
        let goal = self.owed(log).count().min(self.read.len() + events);
        while self.read.len() < goal && self.reader.position().is_none_or(|at| at < last) {
            let next = self.reader.try_next().await.map_err(|error| error.to_string())?;
            if let Delivery::Event(event) = next {
                self.read.push(event);
            }
        }
        self.compare(log)
    }

    fn compare(&self, log: &[Event]) -> Result<(), String> {
        let difference = self.read.iter().zip(self.owed(log)).find(|(read, owed)| read.event != **owed);
        match difference {
            Some((read, owed)) => Err(format!("{read:?} came, the model has {owed:?}")),
            None => Ok(()),
        }
    }
}
