//! [`run`]: the turns of one actor. A turn takes the commands that wait, decides them, makes that stand, and answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aether_core::SaveError;
use aether_telemetry::metrics::Timer;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Instrument;

use super::cell::Cell;
use super::host::ActorHost;
use super::load;
use super::loaded::Loaded;
use super::observed;
use super::plan::{Plan, Items, plan};
use super::executed_commands::Known;
use super::save::{self, SaveResult};
use crate::error::{ActorError, LoadError};
use crate::{Actor, CommandId};

/// Runs turns until nobody waits any more.
pub(crate) async fn run<A: Actor>(kind: Arc<ActorHost<A>>, cell: Arc<Cell<A>>) {
    let guard = Abandoned { kind: &kind, cell: &cell, finished: false };
    while let Some(works) = cell.take(kind.options.commit_size) {
        turn(&kind, &cell, works).await;
    }
    guard.finish();
    kind.settle(&cell);
}

/// Runs one turn; whether others wait for the next, which is for [`run`] then.
pub(crate) async fn first<A: Actor>(kind: Arc<ActorHost<A>>, cell: Arc<Cell<A>>) -> bool {
    let guard = Abandoned { kind: &kind, cell: &cell, finished: false };
    if let Some(works) = cell.take(kind.options.commit_size) {
        turn(&kind, &cell, works).await;
    }
    guard.finish();
    if cell.rest() {
        kind.settle(&cell);
        return false;
    }
    true
}

/// If a turn ends by a panic of the runtime's own, whoever waits is told, and the actor begins anew.
struct Abandoned<'a, A: Actor> {
    kind: &'a Arc<ActorHost<A>>,
    cell: &'a Arc<Cell<A>>,
    finished: bool,
}

impl<A: Actor> Abandoned<'_, A> {
    fn finish(mut self) {
        self.finished = true;
    }
}

impl<A: Actor> Drop for Abandoned<'_, A> {
    fn drop(&mut self) {
        if !self.finished {
            self.kind.remove(self.cell);
            for work in self.cell.close() {
                observed::fail(&self.kind.metrics, work, ActorError::Stopped);
            }
        }
    }
}

/// Answers these commands, one way or the other.
fn turn<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
    works: Items<A>,
) -> impl Future<Output = ()> + Send {
    if let Some(loaded) = cell.take_leave() {
        // It may have been elsewhere since it was loaded, so whoever comes now is not answered from that.
        kind.moved_out(loaded.state.memory(), "evicted");
    }
    let span = observed::turn(&kind.metrics, &cell.id, &works);
    answer(kind, cell, works).instrument(span)
}

async fn answer<A: Actor>(kind: &Arc<ActorHost<A>>, cell: &Arc<Cell<A>>, mut works: Items<A>) {
    let mut conflicts = 0;
    let mut backoff = Backoff::between_rivals();
    let mut limit = usize::MAX;
    loop {
        drop_late(kind, &mut works);
        if works.is_empty() {
            return;
        }
        let made_ready = match is_ready(cell, &works) {
            true => Ok(()),
            // In a box, since it is large and rare.
            false => Box::pin(ready(kind, cell, &mut works)).await,
        };
        if let Err(error) = made_ready {
            for work in works {
                observed::fail(&kind.metrics, work, error.clone());
            }
            return;
        }
        let now = kind.shared.clock.now();
        let planned = {
            let loaded = cell.loaded.read();
            let Some(loaded) = loaded.as_ref() else { continue };
            let timer = Timer::start();
            let planned = plan(&cell.id, loaded, works, limit, now, &kind.metrics, &kind.shared.provided);
            kind.metrics.decided(timer);
            planned
        };
        if planned.panics > 0 {
            panicked(kind, cell, planned.panics);
        } else {
            cell.panics.store(0, Ordering::Relaxed);
        }
        let panics = planned.panics;
        let (waiting, later, result) = settle(kind, cell, planned, now).await;
        if panics > 0 {
            // What panicked has had the state in its hands.
            forget(kind, cell);
        }
        works = later;
        match result {
            Ok(()) => {}
            Err(Again::Conflict) => {
                conflicts += 1;
                kind.metrics.conflicted();
                // Those who were decided first come first again.
                works.splice(0..0, waiting);
                if conflicts >= kind.options.conflicts {
                    for work in works {
                        let error = ActorError::Contended { attempts: conflicts };
                        observed::fail(&kind.metrics, work, error);
                    }
                    return;
                }
                if let Err(error) = Box::pin(refresh(kind, cell)).await
                    && !error.is_retryable()
                {
                    // `ready` finds the cell empty, loads it anew, and says what is wrong with it.
                    forget(kind, cell);
                }
                if conflicts > 1 {
                    backoff.wait().await;
                }
            }
            Err(Again::Failed(ActorError::Save(error)))
                if waiting.len() > 1 && matches!(*error, SaveError::TooLarge { .. }) =>
            {
                // Together they are too much: one by one they may not be.
                works.splice(0..0, waiting);
                limit = 1;
            }
            Err(Again::Failed(error)) => {
                for work in waiting {
                    observed::fail(&kind.metrics, work, error.clone());
                }
            }
        }
    }
}

/// Why a plan does not stand.
enum Again {
    Conflict,
    Failed(ActorError),
}

/// Makes a plan stand, takes it in, and answers. Gives back whoever has no answer because it does not, and whoever's turn
/// has not come.
async fn settle<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
    plan: Plan<A>,
    now: OffsetDateTime,
) -> (Items<A>, Items<A>, Result<(), Again>) {
    let Plan { waiting, later, events, outcomes, state, needs_proof, .. } = plan;
    let Some(before) = cell.loaded.read().as_ref().map(|loaded| loaded.head) else {
        return (waiting, later, Err(Again::Conflict));
    };
    let awaited_until = last_deadline(&waiting);
    let stood = if events.is_empty() && outcomes.is_empty() {
        if !needs_proof {
            observed::answer(&kind.metrics, waiting, before.sequence());
            return (Vec::new(), later, Ok(()));
        }
        save::proof(kind, &cell.id, before, awaited_until).await
    } else {
        save::commit(kind, &cell.id, before, &events, &outcomes, awaited_until).await
    };
    match stood {
        SaveResult::Stands(head) => {
            kind.shared.saw(head.sequence());
            let mut is_sound = true;
            if let Some(loaded) = cell.loaded.write().as_mut() {
                if let Some(state) = state {
                    kind.shared.residents.resized(loaded.state.memory(), state.memory());
                    loaded.state = state;
                }
                if head != before {
                    for event in &events {
                        loaded.since_snapshot.add(event, now);
                    }
                    is_sound = loaded.advance(head, &events, outcomes, kind.options.remember).is_ok();
                }
            }
            if !is_sound {
                forget(kind, cell);
            }
            observed::answer(&kind.metrics, waiting, head.sequence());
            kind.snapshot_if_due(cell, now);
            (Vec::new(), later, Ok(()))
        }
        SaveResult::Conflict => (waiting, later, Err(Again::Conflict)),
        SaveResult::Failed(error) => (waiting, later, Err(Again::Failed(error))),
    }
}

/// Takes out whoever need not be begun any more.
fn drop_late<A: Actor>(kind: &ActorHost<A>, works: &mut Items<A>) {
    let now = Instant::now();
    let stopping = kind.shared.is_given_up();
    let is_late =
        |work: &super::mailbox_item::BoxedItem<A>| stopping || work.is_abandoned() || work.delivery().deadline <= now;
    for work in works.extract_if(.., |work| is_late(work)) {
        let error = if stopping { ActorError::Stopped } else { ActorError::Expired };
        observed::fail(&kind.metrics, work, error);
    }
}

/// Whether nothing has to be read before these can be decided.
fn is_ready<A: Actor>(cell: &Cell<A>, works: &Items<A>) -> bool {
    let loaded = cell.loaded.read();
    let Some(loaded) = loaded.as_ref() else { return false };
    works.iter().all(|work| {
        let delivery = work.delivery();
        let is_known = || loaded.recall.look_up(delivery.id, delivery.since.sequence()) != Known::Unclear;
        work.at_least() <= loaded.head.sequence() && (!delivery.may_be_known() || is_known())
    })
}

/// Sees to it that the actor is loaded, has come to what the callers have seen, and remembers far enough back.
async fn ready<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
    works: &mut Items<A>,
) -> Result<(), ActorError> {
    let mut backoff = Backoff::default();
    let panics = cell.panics.load(Ordering::Relaxed);
    if panics > 0 && cell.loaded.read().is_none() {
        tokio::time::sleep(Backoff::after(panics)).await;
    }
    loop {
        let needs = Needs::of(works);
        match get_ready(kind, cell, needs).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.is_retryable() => {
                tracing::debug!(actor = %cell.id, %error, "the actor could not be loaded; trying again");
                if !backoff.fits_before(last_deadline(works)) {
                    return Err(ActorError::Load(Arc::new(error)));
                }
            }
            Err(LoadError::Poison(poison)) => {
                forget(kind, cell);
                kind.park(&cell.id, &poison);
                return Err(ActorError::Parked(poison));
            }
            Err(error) => return Err(ActorError::Load(Arc::new(error))),
        }
        drop_late(kind, works);
        if works.is_empty() {
            return Ok(());
        }
        backoff.wait().await;
    }
}

/// One attempt; whether the actor is ready.
async fn get_ready<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
    needs: Needs,
) -> Result<bool, LoadError> {
    let head = cell.loaded.read().as_ref().map(|loaded| loaded.head);
    let head = match head {
        Some(head) => head,
        None => activate(kind, cell).await?,
    };
    if needs.at_least > head.sequence() {
        refresh(kind, cell).await?;
        let reached = cell.loaded.read().as_ref().map_or(0, |loaded| loaded.head.sequence());
        if needs.at_least > reached {
            return Ok(false);
        }
    }
    look_back(kind, cell, needs.commands).await?;
    Ok(true)
}

/// Loads an actor into its cell.
async fn activate<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
) -> Result<aether_core::Head, LoadError> {
    if let Some(poison) = kind.parked(&cell.id) {
        return Err(LoadError::Poison(poison));
    }
    let timer = Timer::start();
    let _admitted = kind.shared.residents.admit(&kind.metrics).await;
    let loaded: Loaded<A> = load::load(&kind.shared.store, &cell.id, &kind.options).await?;
    let head = loaded.head;
    let memory = loaded.state.memory();
    kind.shared.saw(head.sequence());
    *cell.loaded.write() = Some(loaded);
    kind.moved_in(cell, memory, timer);
    Ok(head)
}

/// Reads what others have committed.
async fn refresh<A: Actor>(kind: &Arc<ActorHost<A>>, cell: &Arc<Cell<A>>) -> Result<(), LoadError> {
    let Some(mut loaded) = cell.loaded.read().clone() else { return Ok(()) };
    if load::catch_up(&kind.shared.store, &cell.id, &kind.options, &mut loaded).await? {
        kind.shared.saw(loaded.head.sequence());
        *cell.loaded.write() = Some(loaded);
    }
    Ok(())
}

/// What the state has to be like for those who wait.
struct Needs {
    /// The sequence that it must have come to.
    at_least: u64,
    /// The commands, and since when each may have been executed.
    commands: Vec<(CommandId, u64)>,
}

impl Needs {
    fn of<A: Actor>(works: &Items<A>) -> Self {
        let commands = works.iter().filter(|work| work.delivery().may_be_known());
        Self {
            at_least: works.iter().map(|work| work.at_least()).max().unwrap_or(0),
            commands: commands.map(|work| (work.delivery().id, work.delivery().since.sequence())).collect(),
        }
    }
}

/// Looks through the log for commands that may have been executed before what is remembered.
async fn look_back<A: Actor>(
    kind: &Arc<ActorHost<A>>,
    cell: &Arc<Cell<A>>,
    commands: Vec<(CommandId, u64)>,
) -> Result<(), LoadError> {
    let (mut reach, mut unclear) = {
        let loaded = cell.loaded.read();
        let Some(loaded) = loaded.as_ref() else { return Ok(()) };
        let is_unclear =
            |(id, since): &(CommandId, u64)| loaded.recall.look_up(*id, *since) == Known::Unclear;
        let unclear: Vec<_> = commands.into_iter().filter(is_unclear).map(|(_, since)| since).collect();
        (loaded.recall.reach(), unclear)
    };
    // The nearest first: one that is too far back does not spoil it for the others.
    unclear.sort_unstable_by(|a, b| b.cmp(a));
    for since in unclear {
        if since >= reach {
            continue;
        }
        let store = &kind.shared.store;
        let Some(found) = load::outcomes_between(store, &cell.id, since, reach).await? else { break };
        if let Some(loaded) = cell.loaded.write().as_mut() {
            loaded.recall.widen(since, found);
        }
        reach = since;
    }
    Ok(())
}

/// Drops what is loaded: it is not to be trusted any more.
pub(crate) fn forget<A: Actor>(kind: &ActorHost<A>, cell: &Cell<A>) {
    kind.drop_loaded(cell, "reloaded");
}

fn panicked<A: Actor>(kind: &ActorHost<A>, cell: &Cell<A>, panics: u32) {
    cell.panics.fetch_add(panics, Ordering::Relaxed);
    kind.metrics.panicked(panics);
    tracing::warn!(actor = %cell.id, panics, "the actor's code panicked; it is loaded again");
}

/// Until when somebody waits for an answer.
fn last_deadline<A: Actor>(works: &Items<A>) -> Instant {
    works.iter().map(|work| work.delivery().deadline).max().unwrap_or_else(Instant::now)
}

/// Waits longer and longer, by chance so that two who are at odds come apart.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Default for Backoff {
    /// For what is not there at the moment.
    fn default() -> Self {
        Self { next: Duration::from_millis(1), most: Duration::from_millis(500) }
    }
}

impl Backoff {
    /// For those who are in each other's way: whoever waits for long only leaves the actor idle.
    pub(crate) fn between_rivals() -> Self {
        Self { next: Duration::from_micros(250), most: Duration::from_millis(16) }
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next.mul_f64(0.5 + fastrand::f64())).await;
        self.next = (self.next * 2).min(self.most);
    }

    /// Whether it is worth waiting once more: whoever waits until then is still there afterwards.
    pub(crate) fn fits_before(&self, then: Instant) -> bool {
        Instant::now() + self.next.mul_f64(1.5) < then
    }

    /// How long an actor rests after so many panics in a row.
    fn after(panics: u32) -> Duration {
        let doubled = Duration::from_millis(5).saturating_mul(1 << panics.min(10));
        doubled.min(Duration::from_secs(2))
    }
}
