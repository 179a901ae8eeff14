//! [`Counter`]: the actor that the rules are about.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, Answer, Command, CommandContext, Decision, Handle, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What happens to a counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum CounterEvent {
    Added {
        by: u64,
        tag: String,
    },
    /// `evolve` panics on it until this key is mended.
    Broken {
        key: String,
    },
}

/// Counts, and keeps the tags of what was added. `V` is the version of its state's form: 1 is today's, 2 is upcast from 1,
/// and nothing becomes a 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CounterOf<const V: u32> {
    total: u64,
    tags: Vec<String>,
    /// The form of the snapshot that it comes from, if that was an older one.
    origin: Option<u32>,
}

/// A counter, as it is mostly.
pub(crate) type Counter = CounterOf<1>;

impl<const V: u32> Default for CounterOf<V> {
    fn default() -> Self {
        Self { total: 0, tags: Vec::new(), origin: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum CounterError {
    #[error("{total} is too much")]
    TooMuch { total: u64 },
    #[error("{total} is too little")]
    TooLittle { total: u64 },
}

/// Adds; the reply is the total after it.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Add {
    pub(crate) by: u64,
    pub(crate) tag: String,
}

pub(crate) fn add(by: u64) -> Add {
    Add { by, tag: String::new() }
}

/// Adds 1, and can be told from all others.
pub(crate) fn tagged(tag: impl Into<String>) -> Add {
    Add { by: 1, tag: tag.into() }
}

/// Adds, if the total is not above the limit then.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct AddUpTo {
    pub(crate) by: u64,
    pub(crate) limit: u64,
}

/// Adds, if the total is not below the limit before.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct AddFrom {
    pub(crate) by: u64,
    pub(crate) limit: u64,
}

/// Decides nothing; the reply is the total.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Look;

/// Adds 1; the reply is a text of so many bytes.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Say {
    pub(crate) bytes: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct PanicInDecide;

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct PanicInEvolve;

/// The total.
#[derive(Debug, Clone, Serialize, Deserialize, Query)]
pub(crate) struct Total;

/// The tags of what was added, in order.
#[derive(Debug, Clone, Serialize, Deserialize, Query)]
pub(crate) struct Tags;

/// The form of the snapshot that it comes from, if that was an older one.
#[derive(Debug, Clone, Serialize, Deserialize, Query)]
pub(crate) struct Origin;

#[derive(Debug, Clone, Serialize, Deserialize, Query)]
pub(crate) struct PanicInAnswer;

impl<const V: u32> Actor for CounterOf<V> {
    const CATEGORY: &'static str = "counter";
    const STATE_VERSION: u32 = V;
    type Event = CounterEvent;
    type Error = CounterError;
    type Commands = (Add, AddUpTo, AddFrom, Look, Say, PanicInDecide, PanicInEvolve);
    type Queries = (Total, Tags, Origin, PanicInAnswer);

    fn evolve(&mut self, event: &CounterEvent) {
        match event {
            CounterEvent::Added { by, tag } => {
                self.total += by;
                if !tag.is_empty() {
                    self.tags.push(tag.clone());
                }
            }
            CounterEvent::Broken { key } => {
                assert!(is_mended(key), "it is broken");
            }
        }
    }

    fn upcast_state(version: u32, mut state: Value) -> Option<Value> {
        if V != 2 || version != 1 {
            return None;
        }
        state["origin"] = version.into();
        Some(state)
    }

    fn memory(&self) -> usize {
        1000
    }
}

impl<const V: u32> CounterOf<V> {
    fn added(&self, by: u64, tag: &str) -> Decision<Self, u64> {
        let event = CounterEvent::Added { by, tag: tag.to_owned() };
        Decision::event(event).reply(self.total + by)
    }
}

impl<const V: u32> Handle<Add> for CounterOf<V> {
    type Reply = u64;

    fn decide(&self, command: &Add, _: &CommandContext) -> Result<Decision<Self, u64>, CounterError> {
        decided(&command.tag);
        Ok(self.added(command.by, &command.tag))
    }
}

impl<const V: u32> Handle<AddUpTo> for CounterOf<V> {
    type Reply = u64;

    fn decide(&self, command: &AddUpTo, _: &CommandContext) -> Result<Decision<Self, u64>, CounterError> {
        let total = self.total + command.by;
        if total > command.limit {
            return Err(CounterError::TooMuch { total });
        }
        Ok(self.added(command.by, ""))
    }
}

impl<const V: u32> Handle<AddFrom> for CounterOf<V> {
    type Reply = u64;

    fn decide(&self, command: &AddFrom, _: &CommandContext) -> Result<Decision<Self, u64>, CounterError> {
        if self.total < command.limit {
            return Err(CounterError::TooLittle { total: self.total });
        }
        Ok(self.added(command.by, ""))
    }
}

impl<const V: u32> Handle<Look> for CounterOf<V> {
    type Reply = u64;

    fn decide(&self, _: &Look, _: &CommandContext) -> Result<Decision<Self, u64>, CounterError> {
        Ok(Decision::nothing().reply(self.total))
    }
}

impl<const V: u32> Handle<Say> for CounterOf<V> {
    type Reply = String;

    fn decide(&self, command: &Say, _: &CommandContext) -> Result<Decision<Self, String>, CounterError> {
        Ok(self.added(1, "").reply("x".repeat(command.bytes)))
    }
}

impl<const V: u32> Handle<PanicInDecide> for CounterOf<V> {
    type Reply = ();

    fn decide(&self, _: &PanicInDecide, _: &CommandContext) -> Result<Decision<Self>, CounterError> {
        panic!("decide was told to panic")
    }
}

impl<const V: u32> Handle<PanicInEvolve> for CounterOf<V> {
    type Reply = ();

    fn decide(&self, _: &PanicInEvolve, _: &CommandContext) -> Result<Decision<Self>, CounterError> {
        Ok(Decision::event(CounterEvent::Broken { key: "never mended".to_owned() }))
    }
}

impl<const V: u32> Answer<Total> for CounterOf<V> {
    type Reply = u64;

    fn answer(&self, _: &Total) -> u64 {
        self.total
    }
}

impl<const V: u32> Answer<Tags> for CounterOf<V> {
    type Reply = Vec<String>;

    fn answer(&self, _: &Tags) -> Vec<String> {
        self.tags.clone()
    }
}

impl<const V: u32> Answer<Origin> for CounterOf<V> {
    type Reply = Option<u32>;

    fn answer(&self, _: &Origin) -> Option<u32> {
        self.origin
    }
}

impl<const V: u32> Answer<PanicInAnswer> for CounterOf<V> {
    type Reply = ();

    fn answer(&self, _: &PanicInAnswer) {
        panic!("answer was told to panic")
    }
}

// The code of the test actor tells the rules past the runtime, by names that no other rule uses.

static DECISIONS: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);
static MENDED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that nobody else uses.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::now_v7())
}

/// Notes that a command of this tag is decided.
fn decided(tag: &str) {
    if !tag.is_empty() {
        *locked(&DECISIONS).entry(tag.to_owned()).or_default() += 1;
    }
}

/// How often a command of this tag was decided.
pub(crate) fn decisions(tag: &str) -> usize {
    locked(&DECISIONS).get(tag).copied().unwrap_or_default()
}

/// From now on `evolve` takes events that are broken under this key.
pub(crate) fn mend(key: &str) {
    locked(&MENDED).insert(key.to_owned());
}

fn is_mended(key: &str) -> bool {
    locked(&MENDED).contains(key)
}
