//! The memory store against the in-memory store of cqrs-es: one more event for an aggregate of 100.
//!
//! cqrs-es' store prints two lines for each command, so it is measured in a process whose output goes nowhere.

use std::convert::Infallible;
use std::process::{Command, Stdio};

use aether_core::{ActorId, Event, EventStore, EventStoreExt, Expected, Version};
use aether_store_memory::MemoryEventStore;
use anyhow::Context;
use cqrs_es::event_sink::EventSink;
use cqrs_es::mem_store::MemStore;
use cqrs_es::{Aggregate, CqrsFramework, DomainEvent};
use futures_executor::block_on;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::report::{Goal, Report, Row};
use crate::rounds::{median, medians, nanos_each, time};
use crate::sample::{self, Placed};

const ROUNDS: usize = 7;
const THERE: u64 = 100;
const AGGREGATES: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OrderPlaced(Placed);

impl DomainEvent for OrderPlaced {
    fn event_type(&self) -> String {
        "OrderPlaced".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Order {
    placed: u64,
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderPlaced;
    type Event = OrderPlaced;
    type Error = Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        command: OrderPlaced,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Infallible> {
        sink.write(command, self).await;
        Ok(())
    }

    fn apply(&mut self, _event: OrderPlaced) {
        self.placed += 1;
    }
}

/// Nanoseconds for one command that appends an event to an aggregate of 100, by cqrs-es. Prints two lines for each.
pub(crate) fn child() -> anyhow::Result<()> {
    let execute = |framework: &CqrsFramework<Order, MemStore<Order>>, times: u64| {
        for _ in 0..times {
            for id in 0..AGGREGATES {
                block_on(framework.execute(&format!("order-{id}"), OrderPlaced(Placed::new())))?;
            }
        }
        anyhow::Ok(())
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let framework = CqrsFramework::new(MemStore::<Order>::default(), Vec::new(), ());
        execute(&framework, THERE)?;
        let (took, done) = time(|| execute(&framework, 1));
        done?;
        rounds.push(nanos_each(took, AGGREGATES));
    }
    Ok(serde_json::to_writer(std::io::stderr(), &median(rounds))?)
}

pub(crate) fn append(report: &mut Report) -> anyhow::Result<()> {
    let actors = sample::actors("order", AGGREGATES)?;
    let before = sample::events(&actors, 1..=THERE)?;
    let events = sample::events(&actors, [THERE + 1])?;
    let filled = || {
        let store = MemoryEventStore::new();
        block_on(async {
            for event in &before {
                store.save_event(event).await?;
            }
            anyhow::Ok(store)
        })
    };
    let save = async |store: &MemoryEventStore, event: &Event, at: Version| {
        store.save_expecting(std::slice::from_ref(event), Expected::Exact(at)).await
    };
    let mut append = || {
        let store = filled()?;
        let (took, done) = time(|| {
            block_on(async {
                for event in &events {
                    save(&store, event, Version::new(THERE)).await?;
                }
                anyhow::Ok(())
            })
        });
        done?;
        Ok(nanos_each(took, events.len()))
    };
    let mut load_and_append = || {
        let store = filled()?;
        let (took, done) = time(|| {
            block_on(async {
                for event in &events {
                    let (order, at) = load(&store, event.actor()).await?;
                    anyhow::ensure!(order.placed == THERE, "a load is incomplete");
                    save(&store, event, at).await?;
                }
                anyhow::Ok(())
            })
        });
        done?;
        Ok(nanos_each(took, events.len()))
    };
    let mut theirs = || in_child();
    let [append, load_and_append, theirs] =
        medians(ROUNDS, [&mut append, &mut load_and_append, &mut theirs])?;
    let faster = |ours: f64| 1e9 / ours;
    report.add(
        Row::new("memory: append to an aggregate of 100 events", faster(append), "commands/s")
            .against(faster(theirs))
            .goal(Goal::AtLeast(20.0))
            .note("against a command on cqrs-es' MemStore, which loads, clones and stores the whole history each time"),
    );
    report.add(
        Row::new("memory: load 100 events and append", faster(load_and_append), "commands/s")
            .against(faster(theirs))
            .note("the same, with the history read and applied before every append"),
    );
    Ok(())
}

async fn load(store: &MemoryEventStore, actor: &ActorId) -> anyhow::Result<(Order, Version)> {
    let loaded = store.get_events(actor, Version::ZERO).try_fold(
        (Order::default(), Version::ZERO),
        async |(mut order, _), event| {
            order.placed += 1;
            Ok((order, event.version()))
        },
    );
    Ok(loaded.await?)
}

fn in_child() -> anyhow::Result<f64> {
    let program = std::env::current_exe()?;
    let output = Command::new(program)
        .arg("cqrs-es")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .context("starting cqrs-es in a process of its own")?;
    anyhow::ensure!(output.status.success(), "cqrs-es failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stderr)?)
}
