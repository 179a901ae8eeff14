//! Commands on JetStream: what a command costs beyond the save, and what those who wait share.

use std::cell::RefCell;
use std::sync::Arc;

use aether_actor::{ActorOptions, Store};
use aether_core::EventStore;

use super::asking::Askers;
use super::bare::Savers;
use super::targets::{Refused, Saving, system};
use crate::nats::{Nats, runtime};
use crate::report::{Goal, Report, Row};
use crate::rounds::{cost, median, medians};

const ROUNDS: usize = 7;
const ASKERS: usize = 256;
const ACTORS: usize = 10_000;
/// About two for each actor.
const ASKS_EACH: usize = 80;

/// Commands that save an event, and commands that are refused, against bare saves.
pub(crate) fn commands(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let runtime = &nats.runtime;
    let store: Arc<dyn Store> = Arc::new(nats.store.clone());
    let system = runtime.block_on(system(&store, ActorOptions::default()))?;
    let bare: Arc<dyn EventStore> = Arc::new(runtime.block_on(nats.cold_store())?);
    let mut bare = Savers::new(bare, ASKERS, 0..ACTORS)?;
    let saving = Askers::share(ASKERS, (0..ACTORS).map(|n| Saving(system.actor(n))).collect());
    let refused = Askers::share(ASKERS, (0..ACTORS).map(|n| Refused(system.actor(n))).collect());
    // All are loaded before anything is measured.
    let all = ACTORS.div_ceil(ASKERS);
    saving.rate(runtime, all)?;
    bare.rate(runtime, all)?;
    let (our_cpu, bare_cpu) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let rate = |cpu: &RefCell<Vec<f64>>, work: &mut dyn FnMut() -> anyhow::Result<f64>| {
        let (cost, rate) = cost(work)?;
        cpu.borrow_mut().push(cost.cpu.as_secs_f64() * 1e6 / (ASKERS * ASKS_EACH) as f64);
        rate
    };
    let [saving, refused, bare] = medians(
        ROUNDS,
        [
            &mut || rate(&our_cpu, &mut || saving.rate(runtime, ASKS_EACH)),
            &mut || refused.rate(runtime, ASKS_EACH),
            &mut || rate(&bare_cpu, &mut || bare.rate(runtime, ASKS_EACH)),
        ],
    )?;
    report.add(
        Row::new("jetstream: an ask that saves an event, 256 askers", saving, "asks/s")
            .against(bare)
            .goal(Goal::AtLeast(0.85))
            .note(
                "against bare saves of the same bytes, event and note ready, 256 in flight; 10k actors each",
            ),
    );
    report.add(
        Row::new("jetstream: an ask that is refused, 256 askers", refused, "asks/s")
            .against(bare)
            .goal(Goal::AtLeast(0.85))
            .note("against the same saves: the proof that a refusal is true is a message as well"),
    );
    report.add(
        Row::new("jetstream: client CPU per ask that saves", median(our_cpu.take()), "µs")
            .against(median(bare_cpu.take()))
            .note("of the whole process; of the bare saves also what makes their events, which their rate leaves out"),
    );
    Ok(())
}

/// 64 askers on one actor, whose commands share proofs and commits, against one by one.
pub(crate) fn sharing(report: &mut Report) -> anyhow::Result<()> {
    const MANY: usize = 64;
    const SAVES_EACH: usize = 60;
    let nats = Nats::start(runtime()?)?;
    let runtime = &nats.runtime;
    let store: Arc<dyn Store> = Arc::new(nats.store.clone());
    let sharing = runtime.block_on(system(&store, ActorOptions::default()))?;
    let strict = runtime.block_on(system(&store, ActorOptions::default().one_by_one()))?;
    let together = Askers::new(MANY, 1, |_, _| Refused(sharing.actor("refusing")));
    let alone = Askers::new(1, 1, |_, _| Refused(sharing.actor("refusing")));
    let [many, one] = medians(
        ROUNDS,
        [&mut || together.rate(runtime, 10 * SAVES_EACH), &mut || alone.rate(runtime, 4 * SAVES_EACH)],
    )?;
    report.add(
        Row::new("jetstream: refused asks on one actor, 64 askers", many, "asks/s")
            .against(one)
            .goal(Goal::AtLeast(10.0))
            .note("against one asker, one after the other: those who wait share a proof"),
    );
    let shared = Askers::new(MANY, 1, |_, _| Saving(sharing.actor("sharing")));
    let strictly = Askers::new(MANY, 1, |_, _| Saving(strict.actor("strictly")));
    let [shared, strictly] = medians(
        ROUNDS,
        [&mut || shared.rate(runtime, SAVES_EACH), &mut || strictly.rate(runtime, SAVES_EACH / 4)],
    )?;
    report.add(
        Row::new("jetstream: saving asks on one actor, 64 askers", shared, "asks/s")
            .against(strictly)
            .goal(Goal::AtLeast(5.0))
            .note("against the same with `one_by_one`"),
    );
    Ok(())
}
