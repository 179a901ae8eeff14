//! [`Probe`]: stands between the runtime and its store: counts, makes it wait, and loses what is told to be lost.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aether_actor::Store;
use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitStream, EventStore, Head, ReadError, SaveError, Saved,
    SnapshotError, SnapshotSaved, SnapshotStore, Source, Subscribe, VersionConflict, delegate_store,
};
use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;

/// What goes wrong with a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is saved, and the acknowledgement is lost.
    AckLost,
    /// It does not arrive, and nobody can say so.
    Lost,
    /// The store cannot be reached, and says so.
    Unavailable,
    /// The store is full.
    Full,
    /// Somebody else was faster.
    Conflict,
}

/// A handle on a store, with a probe in between. Clones are the same handle.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    store: Arc<dyn Store>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    gate: Gate,
    /// What goes wrong with the next saves, in order.
    faults: Mutex<VecDeque<Fault>>,
    /// What goes wrong with every save after those.
    always: Mutex<Option<Fault>>,
    /// How many reads of commits will fail.
    unreadable: AtomicUsize,
    /// How many snapshots will not be saved.
    unsaved_snapshots: AtomicUsize,
    saves: AtomicUsize,
    confirms: AtomicUsize,
    commits_read: AtomicUsize,
    loads: Mutex<HashMap<ActorId, usize>>,
    snapshots_saved: AtomicUsize,
    snapshots_loaded: AtomicUsize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one away, if there is one; whether there was.
fn take_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn lost() -> Source {
    "it was lost on the way, as the rule wants it".into()
}

impl Probe {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let state = State {
            gate: Gate::new(),
            faults: Mutex::default(),
            always: Mutex::default(),
            unreadable: AtomicUsize::new(0),
            unsaved_snapshots: AtomicUsize::new(0),
            saves: AtomicUsize::new(0),
            confirms: AtomicUsize::new(0),
            commits_read: AtomicUsize::new(0),
            loads: Mutex::default(),
            snapshots_saved: AtomicUsize::new(0),
            snapshots_loaded: AtomicUsize::new(0),
        };
        Self { store, state: Arc::new(state) }
    }

    /// Where saves can be made to wait.
    pub(crate) fn gate(&self) -> &Gate {
        &self.state.gate
    }

    /// With the next saves this goes wrong, in order.
    pub(crate) fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        locked(&self.state.faults).extend(faults);
    }

    /// With every save this goes wrong, until it is told otherwise.
    pub(crate) fn fail_always(&self, fault: Option<Fault>) {
        *locked(&self.state.always) = fault;
    }

    /// So many reads of commits fail.
    pub(crate) fn fail_reads(&self, reads: usize) {
        self.state.unreadable.store(reads, Ordering::SeqCst);
    }

    /// So many snapshots are not saved.
    pub(crate) fn fail_snapshots(&self, snapshots: usize) {
        self.state.unsaved_snapshots.store(snapshots, Ordering::SeqCst);
    }

    /// How many saves there were.
    pub(crate) fn saves(&self) -> usize {
        self.state.saves.load(Ordering::SeqCst)
    }

    /// How many proofs there were.
    pub(crate) fn confirms(&self) -> usize {
        self.state.confirms.load(Ordering::SeqCst)
    }

    /// How many commits were read.
    pub(crate) fn commits_read(&self) -> usize {
        self.state.commits_read.load(Ordering::SeqCst)
    }

    /// How often commits of this actor were asked for.
    pub(crate) fn loads(&self, actor: &ActorId) -> usize {
        locked(&self.state.loads).get(actor).copied().unwrap_or_default()
    }

    pub(crate) fn snapshots_saved(&self) -> usize {
        self.state.snapshots_saved.load(Ordering::SeqCst)
    }

    pub(crate) fn snapshots_loaded(&self) -> usize {
        self.state.snapshots_loaded.load(Ordering::SeqCst)
    }

    fn fault(&self) -> Option<Fault> {
        locked(&self.state.faults).pop_front().or(*locked(&self.state.always))
    }
}

#[async_trait]
impl EventStore for Probe {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        self.state.saves.fetch_add(1, Ordering::SeqCst);
        let parts = commit.parts()?;
        for part in parts.iter() {
            self.state.gate.pass(part.actor()).await;
        }
        match self.fault() {
            None => self.store.save(commit).await,
            Some(Fault::AckLost) => {
                self.store.save(commit).await?;
                Err(SaveError::UnknownOutcome(lost()))
            }
            Some(Fault::Lost) => Err(SaveError::UnknownOutcome(lost())),
            Some(Fault::Unavailable) => Err(SaveError::Unavailable(lost())),
            Some(Fault::Full) => Err(SaveError::StoreFull { reason: "the rule wants it".to_owned() }),
            Some(Fault::Conflict) => {
                let part = &parts[0];
                Err(VersionConflict::new(part.actor().clone(), part.attempted(), part.attempted()).into())
            }
        }
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        self.state.confirms.fetch_add(1, Ordering::SeqCst);
        self.store.confirm(actor, head).await
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        *locked(&self.state.loads).entry(actor.clone()).or_default() += 1;
        if take_one(&self.state.unreadable) {
            return stream::iter([Err(ReadError::Unavailable(lost()))]).boxed();
        }
        let state = self.state.clone();
        let count = move |_: &_| {
            state.commits_read.fetch_add(1, Ordering::SeqCst);
        };
        self.store.get_commits(actor, after).inspect_ok(count).boxed()
    }

    delegate_store!(self => self.store; get_head, get_events, get_events_backward, get_all, get_actors);
}

impl Subscribe for Probe {
    delegate_store!(self => self.store; subscribe);
}

#[async_trait]
impl SnapshotStore for Probe {
    async fn save_snapshot(&self, snapshot: &ActorSnapshot) -> Result<SnapshotSaved, SnapshotError> {
        if take_one(&self.state.unsaved_snapshots) {
            return Err(SnapshotError::Unavailable(lost()));
        }
        let saved = self.store.save_snapshot(snapshot).await;
        self.state.snapshots_saved.fetch_add(1, Ordering::SeqCst);
        saved
    }

    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        self.state.snapshots_loaded.fetch_add(1, Ordering::SeqCst);
        self.store.load_snapshot(actor).await
    }
}

/// Lets saves through, or makes them wait.
#[derive(Debug)]
pub(crate) struct Gate {
    closed: watch::Sender<Closed>,
    waiting: AtomicUsize,
}

#[derive(Debug, Clone, PartialEq)]
enum Closed {
    ForNobody,
    For(ActorId),
}

impl Gate {
    fn new() -> Self {
        Self { closed: watch::Sender::new(Closed::ForNobody), waiting: AtomicUsize::new(0) }
    }

    /// Makes the saves of this actor wait.
    pub(crate) fn close(&self, actor: &ActorId) {
        self.closed.send_replace(Closed::For(actor.clone()));
    }

    pub(crate) fn open(&self) {
        self.closed.send_replace(Closed::ForNobody);
    }

    /// How many saves wait now.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Waits until the gate is open for this actor.
    async fn pass(&self, actor: &ActorId) {
        let _waiting = Waiting::begin(&self.waiting);
        let is_open = |closed: &Closed| !matches!(closed, Closed::For(of) if of == actor);
        // The sender is in `self`: it is there.
        let _ = self.closed.subscribe().wait_for(is_open).await;
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
