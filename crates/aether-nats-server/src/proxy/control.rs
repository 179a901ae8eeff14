//! What a proxy has been told to do, shared by all its connections.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::frame::Frame;

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on its way.
    Pass,
    /// It is lost, and nobody is told.
    Drop,
    /// It goes on its way this much later; what follows it overtakes it.
    Delay(Duration),
}

/// What a proxy has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStats {
    /// Connections that were accepted and passed on.
    pub connections: u64,
    /// Messages that were dropped by verdict.
    pub dropped: u64,
    /// Messages that were delayed by verdict.
    pub delayed: u64,
    /// Bytes that went into a black hole.
    pub lost_bytes: u64,
}

/// How connections are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    Cut,
    Blackhole,
}

/// The direction in which bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toward {
    Server,
    Client,
}

pub(super) type Hook = Arc<dyn Fn(&Frame<'_>) -> Verdict + Send + Sync>;

/// The settings that a connection looks at before it passes anything on.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) delay: Duration,
    hooks: [Option<Hook>; 2],
}

impl Settings {
    pub(super) fn hook(&self, toward: Toward) -> Option<&Hook> {
        let [server, client] = &self.hooks;
        match toward {
            Toward::Server => server.as_ref(),
            Toward::Client => client.as_ref(),
        }
    }

    pub(super) fn set_hook(&mut self, toward: Toward, hook: Option<Hook>) {
        let [server, client] = &mut self.hooks;
        match toward {
            Toward::Server => *server = hook,
            Toward::Client => *client = hook,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks = self.hooks.each_ref().map(Option::is_some);
        f.debug_struct("Settings")
            .field("mode", &self.mode)
            .field("delay", &self.delay)
            .field("hooks", &hooks)
            .finish()
    }
}

#[derive(Debug)]
pub(super) struct Control {
    settings: RwLock<Settings>,
    /// Whether the bytes are the NATS protocol, or to be passed on as they are.
    pub(super) framed: bool,
    pub(super) stopped: AtomicBool,
    connections: AtomicU64,
    dropped: AtomicU64,
    delayed: AtomicU64,
    lost_bytes: AtomicU64,
}

impl Control {
    pub(super) fn new(framed: bool) -> Self {
        Self {
            settings: RwLock::new(Settings { mode: Mode::Pass, delay: Duration::ZERO, hooks: [None, None] }),
            framed,
            stopped: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            lost_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_delayed(&self) {
        self.delayed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_lost(&self, bytes: usize) {
        self.lost_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ProxyStats {
        ProxyStats {
            connections: self.connections.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            delayed: self.delayed.load(Ordering::Relaxed),
            lost_bytes: self.lost_bytes.load(Ordering::Relaxed),
        }
    }
}
