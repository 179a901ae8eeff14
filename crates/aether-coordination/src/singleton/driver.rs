//! [`Driver`]: the clock and the I/O of a candidate. It decides nothing.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use crate::{Change, Changes, CoordinationError, Follow, Key, Leases};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::election::{Action, Election, Found, Input, Outcome};
use super::term::{Claim, State, key, prefix};

/// A reading, a write or a deletion that is under way.
type Step = BoxFuture<'static, Result<Input, CoordinationError>>;

pub(super) struct Driver {
    name: String,
    key: Key,
    coordination: Arc<dyn Leases>,
    changes: Follow<Changes>,
    election: Election,
    started: Instant,
    step: Option<Step>,
    /// How long a step may take.
    patience: Duration,
    state: watch::Sender<State>,
}

impl Driver {
    /// Begins to watch.
    pub(super) async fn new(
        name: String,
        coordination: Arc<dyn Leases>,
        election: Election,
        patience: Duration,
        state: watch::Sender<State>,
    ) -> Result<Self, CoordinationError> {
        let (watched, below) = (Arc::clone(&coordination), prefix(&name));
        let changes = Follow::begin(move || {
            let (watched, below) = (Arc::clone(&watched), below.clone());
            async move { watched.watch(&below).await }.boxed()
        });
        let changes = changes.await?;
        let key = key(&name);
        let started = Instant::now();
        Ok(Self { name, key, coordination, changes, election, started, step: None, patience, state })
    }

    /// Runs until it has left, or cannot go on.
    pub(super) async fn run(mut self, mut leave: oneshot::Receiver<()>) {
        let mut asked = false;
        while !matches!(*self.state.borrow(), State::Ended(_)) {
            let wake = self.election.wakes_at().map(|at| self.started + at);
            let next = tokio::select! {
                biased;
                told = &mut leave, if !asked => {
                    asked = true;
                    // A dropped handle does not ask to leave: this task is about to be aborted, and the key to expire.
                    if told.is_err() {
                        continue;
                    }
                    Ok(Input::Leave)
                }
                done = run(&mut self.step) => {
                    self.step = None;
                    done
                }
                () = wait(wake) => Ok(Input::Tick),
                change = self.changes.next() => change.map(changed),
            };
            match next {
                Ok(input) => self.handle(input),
                Err(error) => {
                    tracing::error!(singleton = self.name, %error, "no candidate any more");
                    self.state.send_replace(State::Ended(Some(Arc::new(error))));
                }
            }
        }
    }

    /// Lets the election decide. What it says about holding is told under the same lock under which the clock is read, so
    /// nobody finds a term over that is renewed a moment later.
    fn handle(&mut self, input: Input) {
        let Self { election, started, state, name, .. } = self;
        let mut actions = Vec::new();
        state.send_if_modified(|state| {
            actions = election.handle(started.elapsed(), input);
            let mut is_modified = false;
            for action in &actions {
                is_modified |= tell(name, state, action, *started);
            }
            is_modified
        });
        for action in actions {
            self.begin(action);
        }
    }

    /// Begins what the action asks for, in the place of what was under way.
    fn begin(&mut self, action: Action) {
        let (coordination, key) = (Arc::clone(&self.coordination), self.key.clone());
        let given_up = if action == Action::Read { Input::NotFound } else { Input::Wrote(Outcome::Unknown) };
        let step = match action {
            Action::Read => async move {
                let entry = coordination.get(&key).await;
                let entry = entry.map(|entry| {
                    entry.map(|entry| Found { revision: entry.revision, claim: Claim::decode(&entry.value) })
                });
                unless_lost(entry.map(Input::Found), Input::NotFound)
            }
            .boxed(),
            Action::Write { claim, condition, ttl } => async move {
                let written = coordination.lease(&key, claim.encode(), condition, ttl).await;
                outcome(written.map(Outcome::Stands))
            }
            .boxed(),
            Action::Delete(revision) => async move {
                outcome(coordination.delete(&key, revision).await.map(|()| Outcome::Stands(revision)))
            }
            .boxed(),
            Action::Gained { .. } | Action::Extended { .. } | Action::Lost | Action::Left => return,
        };
        let patience = self.patience;
        self.step = Some(async move { timeout(patience, step).await.unwrap_or(Ok(given_up)) }.boxed());
    }
}

/// Changes the state as the action says; whether it has.
fn tell(singleton: &str, state: &mut State, action: &Action, started: Instant) -> bool {
    match *action {
        Action::Gained { epoch, until } => {
            tracing::info!(singleton, %epoch, "singleton gained");
            *state = State::Held { epoch: epoch.get(), until: started + until };
        }
        Action::Extended { until: later } => {
            if let State::Held { until, .. } = state {
                *until = started + later;
            }
        }
        Action::Lost => {
            tracing::info!(singleton, "singleton lost");
            *state = State::Waiting;
        }
        Action::Left => *state = State::Ended(None),
        Action::Read | Action::Write { .. } | Action::Delete(_) => return false,
    }
    true
}

fn changed(change: Change) -> Input {
    match change {
        Change::Deleted(_) => Input::Changed(None),
        Change::Put(entry) => {
            Claim::decode(&entry.value).map_or(Input::Tick, |claim| Input::Changed(Some(claim)))
        }
    }
}

fn outcome(written: Result<Outcome, CoordinationError>) -> Result<Input, CoordinationError> {
    match written {
        Err(error) if error.is_conflict() => Ok(Input::Wrote(Outcome::Conflict)),
        written => unless_lost(written.map(Input::Wrote), Input::Wrote(Outcome::Unknown)),
    }
}

/// The input, or the one for an error that may pass.
fn unless_lost(input: Result<Input, CoordinationError>, failed: Input) -> Result<Input, CoordinationError> {
    match input {
        Err(error) if error.is_retryable() => {
            tracing::debug!(%error, "a singleton's key could not be reached");
            Ok(failed)
        }
        input => input,
    }
}

async fn run(step: &mut Option<Step>) -> Result<Input, CoordinationError> {
    match step {
        Some(step) => step.await,
        None => pending().await,
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
