//! What the log says of each order, and that everything has been done about it, once.

use std::collections::{BTreeMap, BTreeSet};

use aether_core::{EventStore, Position, ReadFrom, RecordedEvent};
use aether_projection::KvModel;
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::node::Node;
use super::order::Tally;
use super::world::{GROUPS, SOON, World, until};

/// What is to happen once about each order: to it, to its process, and to its stock.
const STEPS: [&str; 6] =
    ["Placed", "Shipped", "process.CommandSent", "process.CommandAnswered", "Confirmed", "Reserved"];

/// How often each step stands in the log, by the order's key.
type Steps = BTreeMap<String, BTreeMap<&'static str, u32>>;

async fn log(world: &World) -> Vec<RecordedEvent> {
    world.store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.unwrap()
}

fn steps(log: &[RecordedEvent]) -> Steps {
    let mut steps = Steps::new();
    for event in log {
        let Some(step) = STEPS.into_iter().find(|step| *step == event.event_type()) else { continue };
        let order = match step {
            "Reserved" => event.data::<serde_json::Value>().unwrap()["order"].as_str().unwrap().to_owned(),
            _ => event.actor().key().unwrap().to_owned(),
        };
        *steps.entry(order).or_default().entry(step).or_default() += 1;
    }
    steps
}

/// Waits until everything has been done about these orders that is to be done, and nothing is left to do for anybody; then
/// each thing has been done exactly once, whoever has done it.
pub(crate) async fn prove(world: &World, orders: &[String], node: &Node) {
    let is_whole = |steps: &Steps| {
        orders.iter().all(|order| steps.get(order).is_some_and(|done| done.len() == STEPS.len()))
    };
    until("everything is done about all orders", async || is_whole(&steps(&log(world).await))).await;
    // Whoever might still do something again has come by its last event.
    let end = log(world).await.last().unwrap().position;
    for group in GROUPS {
        handled(world, group, node, end).await;
    }
    until("no timer is left", async || world.timers().await == 0).await;
    let log = log(world).await;
    let steps = steps(&log);
    let once: BTreeMap<_, _> = STEPS.into_iter().map(|step| (step, 1)).collect();
    let wrong: Vec<_> = steps.iter().filter(|(_, done)| **done != once).collect();
    assert!(wrong.is_empty(), "not once: {wrong:#?}");
    assert_eq!(steps.keys().collect::<BTreeSet<_>>(), orders.iter().collect(), "orders that nobody placed");

    let mails: BTreeSet<Uuid> = world.witness.mails().into_iter().map(|(_, id)| id).collect();
    let declared = log.iter().filter(|event| event.event_type() == "aether.EffectDeclared");
    assert_eq!(mails, declared.map(|event| event.id()).collect(), "each mail has an id of its own");
    assert_eq!(mails.len(), orders.len());

    let mut applied = applied(world, node).await;
    for event in log.iter().filter(|event| event.actor().category() == "order") {
        let (actor, kind) = (event.actor(), event.event_type());
        assert_eq!(applied.remove(&event.id()), Some(1), "{kind} of {actor} in the projection");
    }
    assert!(applied.is_empty(), "the projection has events that are not in the log: {applied:?}");
}

async fn handled(world: &World, group: &str, node: &Node, position: Position) {
    let admin = world.admin(group, node);
    match tokio::time::timeout(SOON, admin.wait_for(position)).await {
        Ok(waited) => waited.unwrap(),
        Err(_) => panic!("{group} has not come to {position}: {:#?}", admin.partitions().await),
    }
    assert_eq!(admin.parked().await.unwrap(), [], "{group}");
}

/// How often the projection has applied each event.
async fn applied(world: &World, node: &Node) -> BTreeMap<Uuid, u32> {
    let tally = Tally { node: "a reader".to_owned(), witness: world.witness.clone() };
    let model = KvModel::new(tally, node.manager.coordination().clone());
    let views = model.views().await.unwrap();
    let mut applied = BTreeMap::new();
    for (event, times) in views.into_iter().flat_map(|(_, view)| view) {
        *applied.entry(event).or_default() += times;
    }
    applied
}
