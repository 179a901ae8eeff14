//! [`Turn`]: from a full mailbox to the answers. A turn takes the items that wait, decides them, saves that, and answers.
//!
//! What has to be read before is read by [`ready`](super::ready), what is saved is made by the pure
//! [`plan`](super::plan), and [`save`](super::save) saves it. Nothing here looks into a command.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use aether_core::{ActorId, SaveError};
use aether_telemetry::metrics::Timer;
use aether_telemetry::span;
use time::OffsetDateTime;
use tokio::sync::TryAcquireError;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::backoff::Backoff;
use super::cell::{Cell, Pushed};
use super::host::ActorHost;
use super::mailbox_item::{self, BoxedItem, Items};
use super::plan::{Plan, plan};
use super::save::{self, SaveResult};
use crate::actor::Actor;
use crate::error::ActorError;

/// Puts an item into the mailbox of its actor, waiting for room there until its deadline.
pub(crate) async fn submit<A: Actor>(
    host: &Arc<ActorHost<A>>,
    id: &ActorId,
    mut item: BoxedItem<A>,
) -> Result<(), ActorError> {
    span::ask_of(&item.observed().span, id);
    loop {
        if host.shared.is_stopping() {
            return Err(refuse(host, &item, ActorError::Stopped));
        }
        let cell = host.cell(id);
        match cell.space.try_acquire() {
            Ok(place) => place.forget(),
            Err(TryAcquireError::Closed) => {
                host.remove(&cell);
                continue;
            }
            Err(TryAcquireError::NoPermits) => {
                match timeout_at(item.delivery().deadline, cell.space.acquire()).await {
                    Ok(Ok(place)) => place.forget(),
                    Ok(Err(_)) => continue,
                    Err(_) => {
                        let capacity = host.options.mailbox;
                        return Err(refuse(host, &item, ActorError::Overloaded { capacity }));
                    }
                }
            }
        }
        cell.touch(host.shared.residents.tick());
        match cell.push(item) {
            Pushed::Queued => return Ok(()),
            Pushed::Start => {
                Turn::new(Arc::clone(host), cell).start();
                return Ok(());
            }
            Pushed::Retired(back) => {
                host.remove(&cell);
                item = back;
            }
        }
    }
}

fn refuse<A: Actor>(host: &ActorHost<A>, item: &BoxedItem<A>, error: ActorError) -> ActorError {
    item.observed().failed(&host.metrics, &error);
    error
}

/// The turn of one actor: the right to work on its mailbox and its state, which one task has at a time.
pub(super) struct Turn<A: Actor> {
    pub(super) host: Arc<ActorHost<A>>,
    pub(super) cell: Arc<Cell<A>>,
}

/// Why a plan was not saved.
enum NotSaved {
    Conflict,
    Failed(ActorError),
}

impl<A: Actor> Turn<A> {
    /// The turn of a cell that was [pushed](Cell::push) to while idle, or [occupied](Cell::occupy).
    pub(super) fn new(host: Arc<ActorHost<A>>, cell: Arc<Cell<A>>) -> Self {
        Self { host, cell }
    }

    /// Begins at once, on the caller's thread: with a store that answers without waiting the turn ends there, and costs no
    /// task. A turn that has to wait goes on as a task.
    fn start(self) {
        let host = Arc::clone(&self.host);
        let mut first = Box::pin(self.first());
        // Polled again by its task, so nobody has to be woken for now.
        match first.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(None) => {}
            Poll::Ready(Some(turn)) => host.spawn(turn.run()),
            Poll::Pending => host.spawn(async move {
                if let Some(turn) = first.await {
                    turn.run().await;
                }
            }),
        }
    }

    /// Works until the mailbox is empty.
    pub(super) async fn run(self) {
        let guard = Unfinished { turn: &self, finished: false };
        while let Some(items) = self.cell.take(self.host.options.commit_size) {
            self.answer_all(items).await;
        }
        guard.finish();
        self.host.settle(&self.cell);
    }

    /// Works on what waits now. Returns the turn if more has come meanwhile.
    async fn first(self) -> Option<Self> {
        let guard = Unfinished { turn: &self, finished: false };
        if let Some(items) = self.cell.take(self.host.options.commit_size) {
            self.answer_all(items).await;
        }
        guard.finish();
        if self.cell.rest() {
            self.host.settle(&self.cell);
            return None;
        }
        Some(self)
    }

    /// Answers these items, one way or the other.
    fn answer_all(&self, items: Items<A>) -> impl Future<Output = ()> + Send {
        if let Some(loaded) = self.cell.take_leave() {
            // The actor may have lived elsewhere since it was loaded, so new callers are not answered from that state.
            self.host.moved_out(loaded.state.memory(), "evicted");
        }
        let span = mailbox_item::turn(&self.host.metrics, &self.cell.id, &items);
        self.decide_and_save(items).instrument(span)
    }

    async fn decide_and_save(&self, mut items: Items<A>) {
        let host = &*self.host;
        let mut conflicts = 0;
        let mut backoff = Backoff::between_rivals();
        let mut limit = usize::MAX;
        loop {
            self.drop_late(&mut items);
            if items.is_empty() {
                return;
            }
            let made_ready = match self.is_ready(&items) {
                true => Ok(()),
                // In a box, since it is large and rare.
                false => Box::pin(self.make_ready(&mut items)).await,
            };
            if let Err(error) = made_ready {
                self.fail_all(items, &error);
                return;
            }
            let now = host.shared.clock.now();
            let planned = match self.plan(items, limit, now) {
                Ok(planned) => planned,
                Err(back) => {
                    items = back;
                    continue;
                }
            };
            let panics = planned.panics;
            let (waiting, later, result) = self.save_and_answer(planned, now).await;
            if panics > 0 {
                // The code that panicked has had the state in its hands.
                self.forget();
            }
            items = later;
            match result {
                Ok(()) => {}
                Err(NotSaved::Conflict) => {
                    conflicts += 1;
                    host.metrics.conflicted();
                    // Those who were decided first come first again.
                    items.splice(0..0, waiting);
                    if conflicts >= host.options.conflicts {
                        self.fail_all(items, &ActorError::Contended { attempts: conflicts });
                        return;
                    }
                    // Waits first and reads then: a state as old as the pause loses to every rival that commits more
                    // often.
                    if conflicts > 1 {
                        backoff.wait().await;
                    }
                    if let Err(error) = Box::pin(self.refresh()).await
                        && !error.is_retryable()
                    {
                        // `make_ready` finds the cell empty, loads it anew, and reports what is wrong with it.
                        self.forget();
                    }
                }
                Err(NotSaved::Failed(ActorError::Save(error)))
                    if waiting.len() > 1 && matches!(*error, SaveError::TooLarge { .. }) =>
                {
                    // Together they are too large: one by one they may not be.
                    items.splice(0..0, waiting);
                    limit = 1;
                }
                Err(NotSaved::Failed(error)) => self.fail_all(waiting, &error),
            }
        }
    }

    /// Plans the items on what is loaded, up to `limit` of them. Gives them back if nothing is loaded any more.
    fn plan(&self, items: Items<A>, limit: usize, now: OffsetDateTime) -> Result<Plan<A>, Items<A>> {
        let (host, cell) = (&*self.host, &*self.cell);
        let planned = {
            let loaded = cell.loaded.read();
            let Some(loaded) = loaded.as_ref() else { return Err(items) };
            let timer = Timer::start();
            let planned = plan(&cell.id, loaded, items, limit, now, &host.metrics, &host.shared.provided);
            host.metrics.decided(timer);
            planned
        };
        if planned.panics > 0 {
            cell.panics.fetch_add(planned.panics, Ordering::Relaxed);
            host.metrics.panicked(planned.panics);
            let panics = planned.panics;
            tracing::warn!(actor = %cell.id, panics, "the actor's code panicked; it is loaded again");
        } else {
            cell.panics.store(0, Ordering::Relaxed);
        }
        Ok(planned)
    }

    /// Saves a plan, takes it into the state, and answers. Gives back the items that have no answer because it was not
    /// saved, and those whose turn has not come.
    async fn save_and_answer(
        &self,
        plan: Plan<A>,
        now: OffsetDateTime,
    ) -> (Items<A>, Items<A>, Result<(), NotSaved>) {
        let (host, cell) = (&*self.host, &*self.cell);
        let Plan { waiting, later, events, outcomes, state, needs_proof, .. } = plan;
        let Some(before) = cell.loaded.read().as_ref().map(|loaded| loaded.head) else {
            return (waiting, later, Err(NotSaved::Conflict));
        };
        let awaited_until = last_deadline(&waiting);
        let saved = if events.is_empty() && outcomes.is_empty() {
            if !needs_proof {
                mailbox_item::answer(&host.metrics, waiting, before.sequence());
                return (Vec::new(), later, Ok(()));
            }
            save::proof(&host.shared, &cell.id, before, awaited_until).await
        } else {
            let retried = || host.metrics.save_retried();
            save::commit(&host.shared, &cell.id, before, &events, &outcomes, awaited_until, retried).await
        };
        let head = match saved {
            SaveResult::Stands(head) => head,
            SaveResult::Conflict => return (waiting, later, Err(NotSaved::Conflict)),
            SaveResult::Failed(error) => return (waiting, later, Err(NotSaved::Failed(error))),
        };
        host.shared.saw(head.sequence());
        let mut is_sound = true;
        if let Some(loaded) = cell.loaded.write().as_mut() {
            if let Some(state) = state {
                host.shared.residents.resized(loaded.state.memory(), state.memory());
                loaded.state = state;
            }
            if head != before {
                for event in &events {
                    loaded.since_snapshot.add(event, now);
                }
                is_sound = loaded.advance(head, &events, outcomes, host.options.remember).is_ok();
            }
        }
        if !is_sound {
            self.forget();
        }
        mailbox_item::answer(&host.metrics, waiting, head.sequence());
        self.host.snapshot_if_due(&self.cell, now);
        (Vec::new(), later, Ok(()))
    }

    /// Takes out the items that need not be begun any more.
    pub(super) fn drop_late(&self, items: &mut Items<A>) {
        let now = Instant::now();
        let stopping = self.host.shared.is_given_up();
        let is_late =
            |item: &BoxedItem<A>| stopping || item.is_abandoned() || item.delivery().deadline <= now;
        for item in items.extract_if(.., |item| is_late(item)) {
            let error = if stopping { ActorError::Stopped } else { ActorError::Expired };
            mailbox_item::fail(&self.host.metrics, item, error);
        }
    }

    fn fail_all(&self, items: Items<A>, error: &ActorError) {
        for item in items {
            mailbox_item::fail(&self.host.metrics, item, error.clone());
        }
    }

    /// Drops what is loaded: it is not to be trusted any more.
    pub(super) fn forget(&self) {
        self.host.drop_loaded(&self.cell, "reloaded");
    }
}

impl<A: Actor> fmt::Debug for Turn<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&self.cell.id).finish()
    }
}

/// A guard for turns that end by a panic of the runtime's own: callers that wait are told, and the actor begins anew.
struct Unfinished<'a, A: Actor> {
    turn: &'a Turn<A>,
    finished: bool,
}

impl<A: Actor> Unfinished<'_, A> {
    fn finish(mut self) {
        self.finished = true;
    }
}

impl<A: Actor> Drop for Unfinished<'_, A> {
    fn drop(&mut self) {
        if !self.finished {
            let Turn { host, cell } = self.turn;
            host.remove(cell);
            self.turn.fail_all(cell.close(), &ActorError::Stopped);
        }
    }
}

/// Returns until when a caller waits for an answer.
pub(super) fn last_deadline<A: Actor>(items: &Items<A>) -> Instant {
    items.iter().map(|item| item.delivery().deadline).max().unwrap_or_else(Instant::now)
}
