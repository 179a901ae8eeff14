//! [`Mutant`]: a store with one fault, the rule that has to find it, and the fixture that opens it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_conformance::store::{Capability, Fixture, Handle, Storage, StorageOptions};
use aether_core::{Namespace, Source, Timers};
use async_trait::async_trait;

use crate::faulty::Faulty;
use crate::plain::{Limits, Plain};
use crate::plain_timers::{Clockwork, FaultyTimers, PlainTimers};

/// Under which name the events of a stream are kept; the last argument counts the calls.
type Naming = fn(&str, &str, usize) -> String;

/// A store with exactly one fault. Without any it keeps the contract.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    /// The rule that has to find it.
    pub(crate) rule: &'static str,
    /// What it does wrong.
    pub(crate) fault: &'static str,
    /// Puts the fault in a handle.
    spoil: fn(Faulty) -> Faulty,
    /// The clockwork of the timers.
    timers: Clockwork,
    naming: Naming,
    shares_nothing: bool,
    declines: &'static [Capability],
}

impl Mutant {
    /// No mutant at all: keeps the contract.
    pub(crate) const NONE: Self = Self {
        rule: "",
        fault: "",
        spoil: |store| store,
        timers: Clockwork::RIGHT,
        naming: |namespace, stream, _| format!("{namespace:?}{stream:?}"),
        shares_nothing: false,
        declines: &[],
    };

    /// A fault of the store.
    pub(crate) const fn new(rule: &'static str, fault: &'static str, spoil: fn(Faulty) -> Faulty) -> Self {
        Self { rule, fault, spoil, ..Self::NONE }
    }

    /// A fault of the timers.
    pub(crate) const fn timers(rule: &'static str, fault: &'static str, timers: Clockwork) -> Self {
        Self { rule, fault, timers, ..Self::NONE }
    }

    /// A fault in where the events of a namespace are kept.
    pub(crate) const fn naming(rule: &'static str, fault: &'static str, naming: Naming) -> Self {
        Self { rule, fault, naming, ..Self::NONE }
    }

    /// The same, whose handles keep everything to themselves.
    pub(crate) const fn sharing_nothing(mut self) -> Self {
        self.shares_nothing = true;
        self
    }

    /// The same, without these capabilities.
    pub(crate) const fn declining(mut self, capabilities: &'static [Capability]) -> Self {
        self.declines = capabilities;
        self
    }
}

/// The fixture of a mutant.
pub(crate) struct Opens(pub(crate) Mutant);

#[async_trait]
impl Fixture for Opens {
    fn declines(&self, capability: Capability) -> Option<String> {
        self.0.declines.contains(&capability).then(|| "it was told to".to_owned())
    }

    async fn storage(&self, options: StorageOptions) -> Result<Box<dyn Storage>, Source> {
        let limits = Limits { max_age: options.max_age, max_bytes: options.max_bytes };
        let storage = Memory { mutant: self.0, limits, plain: Plain::new(limits), ..Memory::default() };
        Ok(Box::new(storage))
    }

    fn model_cases(&self) -> u32 {
        64
    }

    fn patience(&self) -> Duration {
        // Whatever it owes it has at once.
        Duration::from_secs(5)
    }
}

struct Memory {
    mutant: Mutant,
    limits: Limits,
    plain: Plain,
    named: Mutex<BTreeMap<String, Plain>>,
    opened: AtomicUsize,
    handles: Mutex<Vec<Plain>>,
    timers: PlainTimers,
    named_timers: Mutex<BTreeMap<String, PlainTimers>>,
    timer_handles: Mutex<Vec<PlainTimers>>,
}

impl Default for Memory {
    fn default() -> Self {
        let (limits, plain) = (Limits::default(), Plain::default());
        Self {
            mutant: Mutant::NONE,
            limits,
            plain,
            named: Mutex::default(),
            opened: AtomicUsize::new(0),
            handles: Mutex::default(),
            timers: PlainTimers::default(),
            named_timers: Mutex::default(),
            timer_handles: Mutex::default(),
        }
    }
}

impl Memory {
    fn handle(&self, plain: Plain) -> Handle {
        let plain = if self.mutant.shares_nothing { Plain::new(self.limits) } else { plain.another() };
        self.handles.lock().unwrap().push(plain.clone());
        Handle::new((self.mutant.spoil)(Faulty::new(plain)))
    }

    fn timers(&self, timers: &PlainTimers) -> Result<Arc<dyn Timers>, Source> {
        let work = self.mutant.timers;
        if self.mutant.declines.contains(&Capability::Timers) {
            return Err((work.refuses)());
        }
        let plain = if self.mutant.shares_nothing { PlainTimers::default() } else { timers.another() };
        self.timer_handles.lock().unwrap().push(plain.clone());
        Ok(Arc::new(FaultyTimers { plain, work }))
    }
}

#[async_trait]
impl Storage for Memory {
    async fn open(&self) -> Result<Handle, Source> {
        Ok(self.handle(self.plain.clone()))
    }

    async fn open_namespaced(&self, namespace: &Namespace, stream: &str) -> Result<Handle, Source> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        let name = (self.mutant.naming)(namespace.as_str(), stream, opened);
        let plain = self.named.lock().unwrap().entry(name).or_default().clone();
        Ok(self.handle(plain))
    }

    async fn open_timers(&self) -> Result<Arc<dyn Timers>, Source> {
        self.timers(&self.timers)
    }

    async fn open_namespaced_timers(
        &self,
        namespace: &Namespace,
        stream: &str,
    ) -> Result<Arc<dyn Timers>, Source> {
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        let name = (self.mutant.naming)(namespace.as_str(), stream, opened);
        let timers = self.named_timers.lock().unwrap().entry(name).or_default().clone();
        self.timers(&timers)
    }

    async fn cut_off(&self) -> Result<(), Source> {
        self.timer_handles.lock().unwrap().iter().for_each(|timers| timers.cut(true));
        self.handles.lock().unwrap().iter().for_each(Plain::cut);
        Ok(())
    }

    async fn reconnect(&self) -> Result<(), Source> {
        self.timer_handles.lock().unwrap().iter().for_each(|timers| timers.cut(false));
        self.handles.lock().unwrap().iter().for_each(Plain::mend);
        Ok(())
    }

    async fn restart(&self) -> Result<(), Source> {
        (self.mutant.timers.restart)(&self.timers);
        self.handles.lock().unwrap().iter().for_each(Plain::interrupt);
        Ok(())
    }
}
