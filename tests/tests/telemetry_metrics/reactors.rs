//! The counts of timers, process managers and effects.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, ActorSystem, Answered, Cause, Command, CommandContext, ConsumerOptions, Decision, Effect,
    EffectContext, Handle, HandleError, ProcessContext, ProcessManager, React, ReactContext, Reaction,
};
use aether_group::Retry;
use aether_nats_server::unique_name;
use aether_store_memory::{MemoryEventStore, MemoryTimers};
use serde::{Deserialize, Serialize};

use crate::scrape::{MEMORY_STORE, Scrape, until};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum OrderEvent {
    Placed,
    Reminded,
    Shipped,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Place;

#[derive(Debug, Serialize, Deserialize, Command)]
struct Remind;

#[derive(Debug, Serialize, Deserialize, Command)]
struct Ship {
    by: String,
}

#[derive(Debug, Serialize, Deserialize, Effect)]
struct Mail;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("no such carrier")]
struct NoCarrier;

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Order;

impl Actor for Order {
    const CATEGORY: &'static str = "order";
    type Event = OrderEvent;
    type Error = NoCarrier;
    type Commands = (Place, Remind, Ship);
    type Queries = ();

    fn evolve(&mut self, _: &OrderEvent) {}
}

impl Handle<Place> for Order {
    type Reply = ();

    fn decide(&self, _: &Place, _: &CommandContext) -> Result<Decision<Self>, NoCarrier> {
        let placed = Decision::event(OrderEvent::Placed).effect(Mail);
        let timers = placed.schedule("soon", Duration::from_millis(1), Remind);
        Ok(timers.schedule("never", Duration::from_secs(3600), Remind).cancel("never"))
    }
}

impl Handle<Remind> for Order {
    type Reply = ();

    fn decide(&self, _: &Remind, _: &CommandContext) -> Result<Decision<Self>, NoCarrier> {
        Ok(Decision::event(OrderEvent::Reminded))
    }
}

impl Handle<Ship> for Order {
    type Reply = ();

    fn decide(&self, ship: &Ship, _: &CommandContext) -> Result<Decision<Self>, NoCarrier> {
        if ship.by == "pigeon" { Err(NoCarrier) } else { Ok(Decision::event(OrderEvent::Shipped)) }
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Shipping;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum ShippingEvent {
    Tried,
}

impl ProcessManager for Shipping {
    const NAME: &'static str = "shipping";
    type Event = ShippingEvent;
    type Sources = (Order,);
    type Sends = ((Order, Ship),);

    fn evolve(&mut self, _: &ShippingEvent) {}

    fn answered(&self, _: &Answered, _: &ProcessContext) -> Reaction<Self> {
        Reaction::nothing()
    }
}

impl React<Order> for Shipping {
    fn key(event: &OrderEvent, cause: &Cause) -> Option<String> {
        (*event == OrderEvent::Placed).then(|| cause.key().to_owned())
    }

    fn react(&self, _: &OrderEvent, context: &ReactContext) -> Reaction<Self> {
        let ship = |by: &str| Ship { by: by.to_owned() };
        let tried = Reaction::event(ShippingEvent::Tried);
        tried.send::<Order, _>(context.key(), ship("pigeon")).send::<Order, _>(context.key(), ship("train"))
    }
}

async fn mail(_: Mail, context: EffectContext) -> Result<(), HandleError> {
    if context.attempt == 1 { Err(HandleError::retry("not yet")) } else { Ok(()) }
}

#[tokio::test]
async fn what_follows_the_events_counts_what_it_does() {
    let namespace = unique_name("reactors");
    let _memory = MEMORY_STORE.lock().await;
    Scrape::begin().await;
    let store: Arc<dyn aether_actor::Store> = Arc::new(MemoryEventStore::new());
    let retry = Retry::default().delays(Duration::from_millis(1), Duration::from_millis(1));
    let system = ActorSystem::builder(store)
        .namespace(&*namespace)
        .actor::<Order>()
        .timers(Arc::new(MemoryTimers::new()))
        .effect_with::<Mail>(mail, ConsumerOptions::default().retry(retry))
        .process::<Shipping>()
        .start()
        .await
        .unwrap();
    system.actor::<Order>("1").ask(Place).await.unwrap();

    let (order, shipping) = ("category=\"order\"", "category=\"shipping\"");
    let timers = [("aether_timers_set_total", 2.0), ("aether_timers_cancelled_total", 1.0)];
    until(&namespace, order, &timers).await;
    until(&namespace, order, &[("aether_timer_lateness_seconds_count", 1.0)]).await;
    let process = [("aether_process_reactions_total", 1.0), ("aether_process_answers_total", 2.0)];
    until(&namespace, shipping, &process).await;
    let effect = "effect=\"Mail\"";
    until(&namespace, effect, &[("aether_effect_duration_seconds_count", 2.0)]).await;
    let scrape = Scrape::of(&namespace).await;
    for (label, outcome, name, value) in [
        (order, "done", "aether_timers_fired_total", 1),
        (shipping, "done", "aether_process_commands_total", 1),
        (shipping, "refused", "aether_process_commands_total", 1),
        (effect, "failed", "aether_effects_total", 1),
        (effect, "done", "aether_effects_total", 1),
        // Placed, reminded, shipped; and by pigeon.
        (order, "done", "aether_actor_commands_total", 3),
        (order, "refused", "aether_actor_commands_total", 1),
    ] {
        scrape.assert(&format!("{label},outcome=\"{outcome}\""), &[(name, value)]);
    }
    let _ = system.shutdown(Duration::from_secs(10)).await;
}
