//! What the writers were told, and whether the store agrees.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use aether_core::{ActorId, Event, EventStore, ReadFrom, SaveError, Saved, Version};
use anyhow::Context;
use futures_util::TryStreamExt;
use uuid::Uuid;

use crate::report::Report;

/// What a writer was told about a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Saved,
    NotSaved,
    Unknown,
}

/// All that the writers were told.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    told: Mutex<HashMap<Uuid, (Told, ActorId, Version)>>,
    acknowledged: AtomicU64,
    conflicts: AtomicU64,
    other_errors: AtomicU64,
    unknown: AtomicU64,
}

impl Ledger {
    /// Notes what a writer was told about the events of one commit.
    pub(crate) fn note(&self, events: &[Event], result: &Result<Saved, SaveError>) {
        let (told, counter) = match result {
            Ok(_) => (Told::Saved, &self.acknowledged),
            Err(SaveError::UnknownOutcome(_)) => (Told::Unknown, &self.unknown),
            Err(e) if e.is_version_conflict() => (Told::NotSaved, &self.conflicts),
            Err(_) => (Told::NotSaved, &self.other_errors),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut all = self.told.lock().unwrap();
        for event in events {
            all.insert(event.id(), (told, event.actor().clone(), event.version()));
        }
    }

    /// How many commits were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Reads everything back, and compares.
    pub(crate) async fn audit(
        &self,
        store: &dyn EventStore,
        scenario: &'static str,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let told = self.told.lock().unwrap().clone();
        let mut stored: HashMap<Uuid, u64> = HashMap::new();
        let mut actors: BTreeMap<ActorId, Vec<Version>> = BTreeMap::new();
        let mut out_of_order = 0;
        let mut last = None;
        let mut all = store.get_all(ReadFrom::Start, usize::MAX);
        while let Some(event) = all.try_next().await.context("reading all events")? {
            out_of_order += u64::from(last.is_some_and(|last| event.position <= last));
            last = Some(event.position);
            *stored.entry(event.id()).or_default() += 1;
            actors.entry(event.actor().clone()).or_default().push(event.version());
        }
        let broken = actors.values().filter(|versions| !versions.is_sorted_by(|a, b| a < b)).count();
        let mut differing = 0;
        for (actor, versions) in &actors {
            let events = store.get_events(actor, Version::ZERO);
            let read: Vec<Version> = events
                .map_ok(|event| event.version())
                .try_collect()
                .await
                .with_context(|| format!("reading {actor}"))?;
            differing += u64::from(read != *versions);
        }
        let count = |told_is: Told, times: fn(u64) -> bool| {
            let events = told
                .iter()
                .filter(|(id, (told, ..))| *told == told_is && times(stored.get(id).copied().unwrap_or(0)));
            events.count() as u64
        };
        report.count(scenario, "commits acknowledged", self.acknowledged());
        report.count(
            scenario,
            "commits refused with a version conflict",
            self.conflicts.load(Ordering::Relaxed),
        );
        report.count(scenario, "commits refused otherwise", self.other_errors.load(Ordering::Relaxed));
        report.count(scenario, "commits of unknown outcome", self.unknown.load(Ordering::Relaxed));
        report.count(scenario, "events in the store", stored.values().sum());
        report.never(
            scenario,
            "acknowledged events that are missing",
            count(Told::Saved, |times| times == 0),
        );
        report.never(
            scenario,
            "events that are there twice",
            stored.values().filter(|&&n| n > 1).count() as u64,
        );
        report.never(scenario, "refused events that are there", count(Told::NotSaved, |times| times > 0));
        report.count(
            scenario,
            "events of unknown outcome that are there",
            count(Told::Unknown, |times| times > 0),
        );
        report.never(scenario, "actors with a version twice or out of order", broken as u64);
        report.never(scenario, "events out of the order of positions", out_of_order);
        report.never(scenario, "actors that read otherwise by their links than in the whole", differing);
        let strangers = stored.keys().filter(|id| !told.contains_key(*id)).count();
        report.never(scenario, "events that nobody saved", strangers as u64);
        Ok(())
    }
}
