//! [`Lanes`]: writers beside each other, each with its own actors, on the product or on the bare client.

use aether_core::{ActorId, Event, EventStoreExt};
use tokio::task::JoinSet;

use crate::nats::Nats;
use crate::raw::{self, Message};
use crate::rounds::{Cost, cost};
use crate::sample;

/// Writers, each of which saves for its own actors and waits for every answer.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// The version that all actors are at.
    version: u64,
}

struct Lane {
    actors: Vec<ActorId>,
    /// Where each actor is in the bare client's stream.
    last: Vec<u64>,
}

/// What a round took.
pub(crate) struct Took {
    cost: Cost,
    events: usize,
}

impl Took {
    pub(crate) fn events_per_second(&self) -> f64 {
        self.events as f64 / self.cost.wall.as_secs_f64()
    }

    /// The client's CPU time for each event, in microseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        self.cost.cpu.as_secs_f64() * 1e6 / self.events as f64
    }
}

impl Lanes {
    pub(crate) fn new(prefix: &str, writers: usize, actors_each: usize) -> anyhow::Result<Self> {
        let actors = sample::actors(prefix, writers * actors_each)?;
        let lane = |actors: &[ActorId]| Lane { actors: actors.to_vec(), last: vec![0; actors.len()] };
        Ok(Self { lanes: actors.chunks(actors_each).map(lane).collect(), version: 0 })
    }

    /// Every writer saves `commits` commits of `size` events for each of its actors.
    pub(crate) fn save(&mut self, nats: &Nats, commits: u64, size: u64) -> anyhow::Result<Took> {
        let mut work: Vec<Vec<Vec<Event>>> = Vec::with_capacity(self.lanes.len());
        for lane in &self.lanes {
            let mut saves = Vec::new();
            for commit in 0..commits {
                let first = self.version + commit * size + 1;
                for actor in &lane.actors {
                    saves.push(sample::events(std::slice::from_ref(actor), first..first + size)?);
                }
            }
            work.push(saves);
        }
        self.version += commits * size;
        let events = work.iter().flatten().map(Vec::len).sum();
        let (cost, done) = cost(|| {
            nats.runtime.block_on(async {
                let mut writers = JoinSet::new();
                for saves in work {
                    let store = nats.store.clone();
                    writers.spawn(async move {
                        for events in &saves {
                            store.save_events(events).await?;
                        }
                        anyhow::Ok(saves)
                    });
                }
                // The events are dropped outside of what is measured, as the bare client's messages are.
                writers.join_all().await
            })
        })?;
        done.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Took { cost, events })
    }

    /// Every writer publishes `commits` events for each of its actors by the bare client.
    pub(crate) fn publish(&mut self, nats: &Nats, commits: u64) -> anyhow::Result<Took> {
        let mut work = Vec::with_capacity(self.lanes.len());
        for lane in std::mem::take(&mut self.lanes) {
            let mut messages = Vec::new();
            for version in self.version + 1..=self.version + commits {
                for (number, event) in sample::events(&lane.actors, [version])?.iter().enumerate() {
                    messages.push(Message::new(&nats.raw_stream, number, event, version)?);
                }
            }
            work.push((lane, messages));
        }
        self.version += commits;
        let events = work.iter().map(|(_, messages)| messages.len()).sum();
        let (cost, done) = cost(|| {
            nats.runtime.block_on(async {
                let mut writers = JoinSet::new();
                for (mut lane, messages) in work {
                    let context = nats.raw.clone();
                    writers.spawn(async move {
                        raw::publish(&context, &messages, &mut lane.last, || ()).await?;
                        anyhow::Ok((lane, messages))
                    });
                }
                writers.join_all().await
            })
        })?;
        let done = done.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        self.lanes = done.into_iter().map(|(lane, _)| lane).collect();
        Ok(Took { cost, events })
    }
}
