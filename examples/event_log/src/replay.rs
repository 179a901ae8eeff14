//! Rebuilds every case from the events in the store, and holds each event against the log.

use std::fmt;

use aether::{ActorId, Event, EventStore, ReadError, Version};
use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::HumanCount;

use crate::log::{Case, Log};
use crate::progress::Progress;
use crate::retry::patiently;
use crate::state::CaseState;

/// What the store gave back.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// The cases that have events, in the order of the log, and their states.
    pub(crate) cases: Vec<(ActorId, CaseState)>,
    /// How many events are the same in store and log.
    pub(crate) same: usize,
    /// What is not.
    pub(crate) differences: Vec<Difference>,
}

/// An event that is not the same in store and log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    actor: ActorId,
    version: Version,
    what: &'static str,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}: {}", self.actor, self.version, self.what)
    }
}

struct ReplayedCase {
    state: Option<CaseState>,
    same: usize,
    differences: Vec<Difference>,
}

/// Replays every case of the log from the store, up to `at_once` of them at the same time.
pub(crate) async fn replay(store: &dyn EventStore, log: &Log, at_once: usize) -> Result<Replayed> {
    let progress = Progress::new("replaying", log.event_count());
    let replays = log.cases.iter().map(|case| {
        let progress = &progress;
        async move {
            let what = format!("reading {}", case.actor);
            let replayed = patiently(progress, what, || replay_case(store, case)).await?;
            progress.advance(case.events.len() as u64);
            Ok::<_, anyhow::Error>((case.actor.clone(), replayed))
        }
    });
    let mut replays = stream::iter(replays).buffered(at_once);
    let mut all = Replayed { cases: Vec::with_capacity(log.cases.len()), same: 0, differences: Vec::new() };
    while let Some((actor, case)) = replays.try_next().await? {
        all.cases.extend(case.state.map(|state| (actor, state)));
        all.same += case.same;
        all.differences.extend(case.differences);
    }
    drop(replays);
    progress.finish(&format!("{} cases", HumanCount(all.cases.len() as u64)));
    Ok(all)
}

async fn replay_case(store: &dyn EventStore, case: &Case) -> Result<ReplayedCase, ReadError> {
    let mut replayed = ReplayedCase { state: None, same: 0, differences: Vec::new() };
    let mut expected = case.events.iter().peekable();
    let mut stored = store.get_events(&case.actor, Version::ZERO);
    while let Some(event) = stored.try_next().await? {
        let difference = |version, what| Difference { actor: case.actor.clone(), version, what };
        while let Some(lost) = expected.next_if(|next| next.version() < event.version()) {
            replayed.differences.push(difference(lost.version(), "not in the store"));
        }
        match expected.next_if(|next| next.version() == event.version()).map(|next| compare(next, &event)) {
            Some(None) => replayed.same += 1,
            Some(Some(what)) => replayed.differences.push(difference(event.version(), what)),
            None => replayed.differences.push(difference(event.version(), "not in the log")),
        }
        replayed.state = Some(CaseState::after(replayed.state.take(), &event));
    }
    for lost in expected {
        let (actor, version) = (case.actor.clone(), lost.version());
        replayed.differences.push(Difference { actor, version, what: "not in the store" });
    }
    Ok(replayed)
}

/// What is different, if anything is.
fn compare(log: &Event, store: &Event) -> Option<&'static str> {
    if log.id() != store.id() {
        return Some("another id");
    }
    if log.event_type() != store.event_type() {
        return Some("another type");
    }
    if log.timestamp() != store.timestamp() {
        return Some("another timestamp");
    }
    if log.payload() != store.payload() {
        return Some("other data");
    }
    (log != store).then_some("something else is different")
}
