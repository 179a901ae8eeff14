//! [`Cell`]: one actor in memory: its mailbox, and what is loaded of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use aether_core::ActorId;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use super::host::ActorHost;
use super::loaded::Loaded;
use super::mailbox_item::{BoxedItem, Items};
use super::memory_limit::Resident;
use crate::actor::Actor;

/// One actor in memory. It has no task of its own: whoever puts the first command into an idle mailbox starts one, which
/// ends when the mailbox is empty.
pub(crate) struct Cell<A: Actor> {
    pub(crate) id: ActorId,
    mailbox: Mutex<Mailbox<A>>,
    /// Free places in the mailbox; closed when the cell is retired.
    pub(crate) space: Semaphore,
    /// `None` until it is loaded, and after it has become doubtful.
    pub(crate) loaded: RwLock<Option<Loaded<A>>>,
    /// When it was last used, in the ticks of [`Residents`](super::memory_limit::Residents).
    used: AtomicU64,
    host: Weak<ActorHost<A>>,
    /// How often in a row its code has panicked.
    pub(crate) panics: AtomicU32,
    /// Whether what is loaded is not to be answered from any more, and dropped when the turn ends.
    leaving: AtomicBool,
}

#[derive(Debug)]
struct Mailbox<A: Actor> {
    waiting: VecDeque<BoxedItem<A>>,
    state: Activity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    /// Nobody is at work.
    Idle,
    /// A task is at work, and will look into the mailbox again.
    Running,
    /// The cell is not in use any more: there may be another one for the same actor.
    Retired,
}

impl<A: Actor> Mailbox<A> {
    /// What an idle actor's mailbox may take: room for so many commands.
    const IDLE_CAPACITY: usize = 4;

    fn retire(&mut self, space: &Semaphore) -> bool {
        let idle = self.state == Activity::Idle;
        if idle {
            self.state = Activity::Retired;
            space.close();
        }
        idle
    }

    fn rest(&mut self) {
        if self.state == Activity::Running {
            self.state = Activity::Idle;
        }
        if self.waiting.capacity() > Self::IDLE_CAPACITY {
            self.waiting = VecDeque::new();
        }
    }
}

/// What is to be done after a command was put into a mailbox.
#[derive(Debug)]
pub(crate) enum Pushed<A: Actor> {
    /// Start a task.
    Start,
    /// There is one.
    Queued,
    /// The cell is retired: take another one.
    Retired(BoxedItem<A>),
}

impl<A: Actor> Cell<A> {
    pub(crate) fn new(id: ActorId, host: &Arc<ActorHost<A>>) -> Self {
        Self {
            id,
            mailbox: Mutex::new(Mailbox { waiting: VecDeque::new(), state: Activity::Idle }),
            space: Semaphore::new(host.options.mailbox),
            loaded: RwLock::new(None),
            used: AtomicU64::new(0),
            host: Arc::downgrade(host),
            panics: AtomicU32::new(0),
            leaving: AtomicBool::new(false),
        }
    }

    /// Puts a command into the mailbox; its place was taken from [`space`](Self::space) before.
    pub(crate) fn push(&self, item: BoxedItem<A>) -> Pushed<A> {
        let mut mailbox = self.mailbox.lock();
        match mailbox.state {
            Activity::Retired => Pushed::Retired(item),
            Activity::Running => {
                mailbox.waiting.push_back(item);
                Pushed::Queued
            }
            Activity::Idle => {
                mailbox.waiting.push_back(item);
                mailbox.state = Activity::Running;
                Pushed::Start
            }
        }
    }

    /// Takes up to `limit` commands; `None`, and nobody is at work any more, if there are none.
    pub(crate) fn take(&self, limit: usize) -> Option<Items<A>> {
        let mut mailbox = self.mailbox.lock();
        if mailbox.waiting.is_empty() {
            mailbox.rest();
            return None;
        }
        let taken = mailbox.waiting.len().min(limit);
        let items = mailbox.waiting.drain(..taken).collect();
        drop(mailbox);
        self.space.add_permits(taken);
        Some(items)
    }

    /// Ends the turn if nobody waits; whether it has ended.
    pub(crate) fn rest(&self) -> bool {
        let mut mailbox = self.mailbox.lock();
        let nobody = mailbox.waiting.is_empty();
        if nobody {
            mailbox.rest();
        }
        nobody
    }

    /// Retires an idle cell; whether it was idle.
    pub(crate) fn retire(&self) -> bool {
        self.mailbox.lock().retire(&self.space)
    }

    /// Retires an idle cell, as [`retire`](Self::retire); one that is at work is to leave when its turn ends. Whether it was
    /// idle.
    pub(crate) fn dismiss(&self) -> bool {
        let mut mailbox = self.mailbox.lock();
        if mailbox.state == Activity::Running {
            // Under the lock, so that the end of the turn does not miss it.
            self.leaving.store(true, Ordering::Release);
        }
        mailbox.retire(&self.space)
    }

    /// Whether what is loaded is not to be answered from any more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Takes what is loaded if the cell was told to leave, which is done thereby.
    pub(crate) fn take_leave(&self) -> Option<Loaded<A>> {
        if !self.is_leaving() {
            return None;
        }
        let mut loaded = self.loaded.write();
        self.leaving.store(false, Ordering::Release);
        loaded.take()
    }

    /// Takes the turn of an idle cell, so that commands wait; whether it was idle.
    pub(crate) fn occupy(&self) -> bool {
        let mut mailbox = self.mailbox.lock();
        let idle = mailbox.state == Activity::Idle;
        if idle {
            mailbox.state = Activity::Running;
        }
        idle
    }

    /// Retires the cell whatever it is doing; those who wait are given back.
    pub(crate) fn close(&self) -> Items<A> {
        let mut mailbox = self.mailbox.lock();
        mailbox.state = Activity::Retired;
        self.space.close();
        mailbox.waiting.drain(..).collect()
    }

    /// Notes that the actor was used.
    pub(crate) fn touch(&self, tick: u64) {
        if self.used.load(Ordering::Relaxed) != tick {
            self.used.store(tick, Ordering::Relaxed);
        }
    }
}

impl<A: Actor> Resident for Cell<A> {
    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn is_resident(&self) -> bool {
        self.loaded.read().is_some()
    }

    fn leave(&self, reason: &'static str) -> bool {
        self.host.upgrade().is_none_or(|host| host.passivate(&self.id, reason))
    }

    fn idle(&self) -> Option<Duration> {
        self.host.upgrade().and_then(|host| host.options.idle)
    }
}

impl<A: Actor> std::fmt::Debug for Cell<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cell").field("id", &self.id).finish_non_exhaustive()
    }
}
