//! [`Singleton`]: a candidate for something that one process at most does at a time.

use std::sync::Arc;

use crate::Leases;
use futures_core::Stream;
use futures_util::stream;
use tokio::sync::{oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

use super::term::State;
use super::{SingletonBuilder, SingletonError, Term};

/// A candidate for something that one process at most does at a time; what is promised, and what not, is said in the
/// [module](super).
///
/// When it is dropped, it renews no more and tells nobody: the next one follows when the key has expired. When it
/// [leaves](Self::leave), the next one follows at once.
#[derive(Debug)]
pub struct Singleton {
    name: String,
    state: watch::Receiver<State>,
    leave: oneshot::Sender<()>,
    driver: AbortOnDropHandle<()>,
}

impl Singleton {
    /// A candidate for the singleton of this name, which all candidates in the same bucket mean by it.
    pub fn builder(coordination: Arc<dyn Leases>, name: impl Into<String>) -> SingletonBuilder {
        SingletonBuilder::new(coordination, name.into())
    }

    pub(super) fn new(
        name: String,
        state: watch::Receiver<State>,
        leave: oneshot::Sender<()>,
        driver: AbortOnDropHandle<()>,
    ) -> Self {
        Self { name, state, leave, driver }
    }

    /// The name of the singleton.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is held here now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.term().is_some()
    }

    /// The term in which it is held here now.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        let epoch = self.state.borrow().held()?;
        Some(Term::new(epoch, self.state.clone())).filter(Term::is_held)
    }

    /// Waits until it is held here.
    ///
    /// # Errors
    /// [`SingletonError::Coordination`] if that cannot be any more, since the bucket is gone or was made anew.
    ///
    /// # Cancel safety
    /// Nothing is lost if this is given up.
    pub async fn held(&self) -> Result<Term, SingletonError> {
        let mut state = self.state.clone();
        loop {
            state.mark_unchanged();
            if let Some(term) = self.term() {
                return Ok(term);
            }
            if let State::Ended(reason) = &*state.borrow() {
                return Err(ended(reason));
            }
            state.changed().await.map_err(|_| SingletonError::Ended)?;
        }
    }

    /// Whether it is held here: how it is now, and then each change. A reader that is slow sees the latest only, and a term
    /// that was lost meanwhile by its epoch. It ends when the candidate does.
    pub fn changes(&self) -> impl Stream<Item = Option<Term>> + Send + use<> {
        let (state, told) = (self.state.clone(), None::<Option<u64>>);
        stream::unfold((state, told), async |(mut state, told)| {
            loop {
                let held = match &*state.borrow_and_update() {
                    State::Ended(_) => return None,
                    state => state.held(),
                };
                if told != Some(held) {
                    let term = held.map(|epoch| Term::new(epoch, state.clone()));
                    return Some((term, (state, Some(held))));
                }
                let lapsed = async {
                    match held {
                        Some(epoch) => Term::new(epoch, state.clone()).lost().await,
                        None => std::future::pending().await,
                    }
                };
                let mut changed = state.clone();
                tokio::select! {
                    changed = changed.changed() => changed.ok()?,
                    () = lapsed => {}
                }
            }
        })
    }

    /// Runs a task whenever the singleton is held here, and drops it when that is lost; until the task ends by itself, which
    /// gives its result. The singleton is then still held, until this is dropped or [left](Self::leave).
    ///
    /// Dropped means: at an `.await`. A task that does not come to one goes on beyond its term; let it look at
    /// [`Term::remaining`] in between.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use aether_coordination::singleton::Singleton;
    /// use aether_coordination::MemoryCoordination;
    ///
    /// let singleton = Singleton::builder(Arc::new(MemoryCoordination::new()), "invoices").candidate("node-1").join().await?;
    /// let sent = singleton.run(async |term| format!("sent in epoch {}", term.epoch())).await?;
    /// assert_eq!(sent, "sent in epoch 1");
    /// singleton.leave().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`held`](Self::held).
    ///
    /// # Cancel safety
    /// Dropping the future drops the task with it; the singleton may still be held.
    pub async fn run<T>(&self, mut task: impl AsyncFnMut(Term) -> T) -> Result<T, SingletonError> {
        loop {
            let term = self.held().await?;
            tokio::select! {
                biased;
                () = term.lost() => {}
                done = task(term.clone()) => return Ok(done),
            }
        }
    }

    /// Is no candidate any more. If it holds the singleton, its term is over at once and its key is deleted, so that the next
    /// one comes at once: whatever only the holder may do must be over before.
    ///
    /// If the servers cannot be reached, this waits until the key expires by itself soon, for
    /// [`stop_after`](SingletonBuilder::stop_after) at the most.
    ///
    /// # Errors
    /// [`SingletonError::Coordination`] if it was no candidate any more, since the bucket is gone or was made anew.
    ///
    /// # Cancel safety
    /// Dropping the future is to drop the singleton: its key may be left to expire.
    pub async fn leave(self) -> Result<(), SingletonError> {
        // One that has ended does not hear it.
        let _ = self.leave.send(());
        if self.driver.await.is_err() {
            return Err(SingletonError::Ended);
        }
        match &*self.state.borrow() {
            State::Ended(Some(reason)) => Err(SingletonError::Coordination(Arc::clone(reason))),
            _ => Ok(()),
        }
    }
}

fn ended(reason: &Option<Arc<crate::CoordinationError>>) -> SingletonError {
    reason.as_ref().map_or(SingletonError::Ended, |reason| SingletonError::Coordination(Arc::clone(reason)))
}
