//! Saves the events of a log: in the order of their time, and many at once, but those of one case one by one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::AddAssign;
use std::sync::Arc;

use aether::{ActorId, Event, EventStoreExt, Subscribe, Version};
use anyhow::{Context, Result};
use indicatif::HumanCount;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::log::Log;
use crate::progress::Progress;
use crate::retry::patiently;

/// How many events wait in a lane at most.
const LANE_LENGTH: usize = 16;

/// What became of the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ingested {
    /// Those that were saved now.
    pub(crate) saved: u64,
    /// Those that the store had already.
    pub(crate) present: u64,
}

impl AddAssign for Ingested {
    fn add_assign(&mut self, other: Self) {
        self.saved += other.saved;
        self.present += other.present;
    }
}

/// Saves all events of the log that the store does not have, with up to `lanes` saves in flight.
///
/// Whenever it is interrupted, it can be done again: it goes on where each case stands.
pub(crate) async fn ingest(store: &Arc<dyn Subscribe>, log: Log, lanes: usize) -> Result<Ingested> {
    let progress = Arc::new(Progress::new("saving", log.event_count()));
    let mut tasks = JoinSet::new();
    let lanes: Vec<mpsc::Sender<Event>> = (0..lanes)
        .map(|_| {
            let (sender, events) = mpsc::channel(LANE_LENGTH);
            tasks.spawn(lane(store.clone(), events, progress.clone()));
            sender
        })
        .collect();
    for event in log.into_time_order() {
        let lane = lane_of(event.actor(), lanes.len());
        if lanes[lane].send(event).await.is_err() {
            // The lane has failed; what it says comes below.
            break;
        }
    }
    drop(lanes);
    let mut all = Ingested::default();
    while let Some(lane) = tasks.join_next().await {
        all += lane.context("a lane has stopped")??;
    }
    let (saved, present) = (HumanCount(all.saved), HumanCount(all.present));
    progress.finish(&format!("{saved} events saved, {present} were there already,"));
    Ok(all)
}

/// All events of an actor go through one lane, so they are saved in order.
fn lane_of(actor: &ActorId, lanes: usize) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(actor);
    (hash % lanes as u64) as usize
}

async fn lane(
    store: Arc<dyn Subscribe>,
    mut events: mpsc::Receiver<Event>,
    progress: Arc<Progress>,
) -> Result<Ingested> {
    let mut stored: HashMap<ActorId, Version> = HashMap::new();
    let mut done = Ingested::default();
    while let Some(event) = events.recv().await {
        let actor = event.actor();
        let latest = match stored.entry(actor.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let what = format!("asking for the version of {actor}");
                let latest = patiently(&progress, what, || store.get_latest_version(actor)).await?;
                unknown.insert(latest)
            }
        };
        if event.version() <= *latest {
            done.present += 1;
        } else {
            let what = format!("saving version {} of {actor}", event.version());
            patiently(&progress, what, || store.save_event(&event)).await?;
            *latest = event.version();
            done.saved += 1;
        }
        progress.advance(1);
    }
    Ok(done)
}
