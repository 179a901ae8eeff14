//! [`Door`]: one shard at a node: its [`Gate`], and who is inside.

use std::sync::Arc;

use aether_actor::{DrainGate, Permit};
use async_nats::Subject;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::gate::{Gate, Room, Stance, Verdict};
use super::wire::{Body, Request};
use crate::Incarnation;

/// A request that a node has.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) request: Request,
    /// The version that its sender speaks.
    pub(crate) version: u8,
    /// Where the answer is awaited.
    pub(crate) reply: Subject,
    /// Until when it is begun, and answered.
    pub(crate) deadline: Instant,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) enum Step {
    /// Run it, and keep the permit until it is settled.
    Act(Received, Permit),
    /// Send it to the successor.
    Forward(Received, Incarnation),
    /// Say that nothing was begun.
    Answer(Received, Body),
    /// Nothing.
    Rest,
}

/// One shard at a node.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) entries: Arc<DrainGate>,
    gate: Mutex<Gate<Received>>,
}

impl Door {
    pub(crate) fn new(me: Incarnation, room: Room) -> Self {
        Self { entries: Arc::new(DrainGate::new()), gate: Mutex::new(Gate::new(me, room)) }
    }

    pub(crate) fn arrive(&self, received: Received) -> Step {
        let size = received.request.size();
        let mut gate = self.gate.lock();
        match gate.arrive(received.request.to, size) {
            // Under the lock: whoever changes the stance next finds it inside.
            Verdict::Act => match self.entries.enter() {
                Some(permit) => Step::Act(received, permit),
                None => Step::Answer(received, Body::Again(None)),
            },
            Verdict::Keep => {
                gate.keep(received, size);
                Step::Rest
            }
            Verdict::Forward(successor) => Step::Forward(received, successor),
            Verdict::Again(owner) => Step::Answer(received, Body::Again(owner)),
            Verdict::Overloaded => Step::Answer(received, Body::Overloaded),
            Verdict::Ignore => Step::Rest,
        }
    }

    /// Changes the stance. What was kept is given out if it is not kept any more.
    pub(crate) fn set(&self, stance: Stance) -> Vec<Received> {
        let mut gate = self.gate.lock();
        let kept = gate.set(stance);
        if stance == Stance::Acting {
            self.entries.open();
        } else {
            self.entries.close();
        }
        kept
    }

    pub(crate) fn stance(&self) -> Stance {
        self.gate.lock().stance()
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.gate.lock().kept()
    }
}
