//! A gate: an actor whose decisions take until a test lets them pass.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex};

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Never, Query};
use aether_core::ActorId;
use serde::{Deserialize, Serialize};

use super::joined::WITHIN;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum GateEvent {
    Passed,
}

/// To pass; it waits at a gate that is shut.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Pass;

/// How many have passed.
#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Passed;

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Gate {
    passed: u32,
}

impl Actor for Gate {
    const CATEGORY: &'static str = "gate";
    type Event = GateEvent;
    type Error = Never;
    type Commands = (Pass,);
    type Queries = (Passed,);

    fn evolve(&mut self, _: &GateEvent) {
        self.passed += 1;
    }
}

impl Handle<Pass> for Gate {
    type Reply = u32;

    fn decide(&self, _: &Pass, context: &CommandContext) -> Result<Decision<Self, u32>, Never> {
        let bolt = BOLTS.lock().unwrap().get(&context.actor).cloned();
        if let Some(bolt) = bolt {
            bolt.wait();
        }
        Ok(Decision::event(GateEvent::Passed).reply(self.passed + 1))
    }
}

impl Answer<Passed> for Gate {
    type Reply = u32;

    fn answer(&self, _: &Passed) -> u32 {
        self.passed
    }
}

static BOLTS: LazyLock<Mutex<HashMap<ActorId, Arc<Bolt>>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct State {
    waiting: u32,
    open: bool,
}

/// What keeps a gate shut. It blocks the thread that decides, so it is for runtimes with several.
#[derive(Default)]
pub(crate) struct Bolt {
    state: Mutex<State>,
    changed: Condvar,
}

impl Bolt {
    /// Shuts a gate.
    pub(crate) fn shut(gate: &ActorId) -> Arc<Self> {
        let bolt = Arc::new(Self::default());
        BOLTS.lock().unwrap().insert(gate.clone(), Arc::clone(&bolt));
        bolt
    }

    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        drop(self.changed.wait_timeout_while(state, WITHIN, |state| !state.open).unwrap());
    }

    /// Whether somebody waits.
    pub(crate) fn is_reached(&self) -> bool {
        self.state.lock().unwrap().waiting > 0
    }

    /// Lets all pass, from now on.
    pub(crate) fn open(&self) {
        self.state.lock().unwrap().open = true;
        self.changed.notify_all();
    }
}
