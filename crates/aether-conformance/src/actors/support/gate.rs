//! [`Gate`]: where saves can be made to wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use aether_core::ActorId;
use tokio::sync::watch;

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
    pub(super) fn new() -> Self {
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
    pub(super) async fn pass(&self, actor: &ActorId) {
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
