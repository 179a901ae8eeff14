//! On one machine: queries against asks of other actor libraries, and commands against queries.

use std::sync::Arc;

use aether_actor::{ActorOptions, Store};
use aether_core::EventStore;
use aether_store_memory::MemoryEventStore;

use super::asking::{Askers, latency};
use super::bare::Savers;
use super::rivals::{KameoAdd, KameoGet, RactorAdd, RactorGet, kameos, ractors};
use super::targets::{Query, Saving, system};
use crate::nats::runtime;
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;

const ROUNDS: usize = 7;
const ASKERS: usize = 64;
const RIVALS: &str =
    "against asks of kameo and ractor, which answer from memory as well; the better one counts";

/// Queries, against asks of kameo and ractor.
pub(crate) fn queries(report: &mut Report) -> anyhow::Result<()> {
    const ASKS_EACH: usize = 4_000;
    // They take far less time.
    const QUERIES_EACH: usize = 40_000;
    let runtime = runtime()?;
    let guard = runtime.enter();
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let system = runtime.block_on(system(&store, ActorOptions::default()))?;
    let (kameos, ractors) = (kameos(ASKERS), runtime.block_on(ractors(ASKERS))?);
    for (name, spread) in [("64 askers on 64 actors", 1), ("64 askers on one actor", 0)] {
        let ours = Askers::new(ASKERS, 1, |n, _| Query(system.actor(n * spread)));
        let kameo = Askers::new(ASKERS, 1, |n, _| KameoGet(kameos[n * spread].clone()));
        let ractor = Askers::new(ASKERS, 1, |n, _| RactorGet(ractors[n * spread].clone()));
        let rates = medians(
            ROUNDS,
            [&mut || ours.rate(&runtime, QUERIES_EACH), &mut || kameo.rate(&runtime, ASKS_EACH), &mut || {
                ractor.rate(&runtime, ASKS_EACH)
            }],
        )?;
        let [ours, kameo, ractor] = rates;
        let row = Row::new(format!("local: queries, {name}"), ours, "asks/s").against(kameo.max(ractor));
        report.add(row.goal(Goal::AtLeast(1.0)).note(RIVALS));
    }
    let ours = Arc::new(Query(system.actor(0)));
    let kameo = Arc::new(KameoGet(kameos[0].clone()));
    let ractor = Arc::new(RactorGet(ractors[0].clone()));
    let [ours, kameo, ractor] = medians(
        ROUNDS,
        [
            &mut || latency(&runtime, &ours, ASKS_EACH),
            &mut || latency(&runtime, &kameo, ASKS_EACH),
            &mut || latency(&runtime, &ractor, ASKS_EACH),
        ],
    )?;
    let row = Row::new("local: a query, one asker, p50", ours, "ns").against(kameo.min(ractor));
    report.add(row.goal(Goal::AtMost(1.0)).note(RIVALS));
    drop(guard);
    Ok(())
}

/// Commands that save an event on the memory store, against queries, and against rivals that save nothing.
pub(crate) fn commands(report: &mut Report) -> anyhow::Result<()> {
    const ACTORS: usize = 10_000;
    const ASKS_EACH: usize = 1_000;
    const QUERIES_EACH: usize = 20_000;
    let runtime = runtime()?;
    let guard = runtime.enter();
    let store: Arc<dyn Store> = Arc::new(MemoryEventStore::new());
    let system = runtime.block_on(system(&store, ActorOptions::default()))?;
    let (kameos, ractors) = (kameos(ACTORS), runtime.block_on(ractors(ACTORS))?);
    let ours = Askers::share(ASKERS, (0..ACTORS).map(|n| Saving(system.actor(n))).collect());
    let query = Askers::share(ASKERS, (0..ACTORS).map(|n| Query(system.actor(n))).collect());
    let kameo = Askers::share(ASKERS, kameos.into_iter().map(KameoAdd).collect());
    let ractor = Askers::share(ASKERS, ractors.into_iter().map(RactorAdd).collect());
    let mut bare = Savers::new(Arc::new(MemoryEventStore::new()) as Arc<dyn EventStore>, ASKERS, 0..ACTORS)?;
    // All are loaded before anything is measured.
    ours.rate(&runtime, ACTORS.div_ceil(ASKERS))?;
    bare.rate(&runtime, ACTORS.div_ceil(ASKERS))?;
    let [ours, query, bare, kameo, ractor] = medians(
        ROUNDS,
        [
            &mut || ours.rate(&runtime, ASKS_EACH),
            &mut || query.rate(&runtime, QUERIES_EACH),
            &mut || bare.rate(&runtime, ASKS_EACH),
            &mut || kameo.rate(&runtime, ASKS_EACH),
            &mut || ractor.rate(&runtime, ASKS_EACH),
        ],
    )?;
    let name = "memory store: an ask that saves an event, 10k actors";
    report.add(
        Row::new(name, ours, "asks/s")
            .against(query)
            .goal(Goal::AtLeast(0.4))
            .note("against queries of the same actors by as many askers (64)"),
    );
    report.add(
        Row::new("memory store: an ask that saves an event, and a bare save", ours, "asks/s")
            .against(bare)
            .note(format!(
                "against bare saves of the same bytes, which are {:.2} of queries by themselves",
                bare / query
            )),
    );
    let saves_nothing = "which keeps its state in memory alone";
    for (rival, rate) in [("kameo", kameo), ("ractor", ractor)] {
        let row =
            Row::new(format!("memory store: an ask that saves an event, and {rival}'s"), ours, "asks/s")
                .against(rate);
        report.add(row.note(format!("against an ask of {rival} that changes the state, {saves_nothing}")));
    }
    drop(guard);
    Ok(())
}
