//! Timers: what [`Decision::schedule`](crate::Decision::schedule) declares is set, and sends its command when it is due.
//!
//! A consumer group follows the events of timers, which stand in the actors' logs, and sets and cancels the timers of a
//! store of their own ([`aether_core::Timers`]). Whatever is due there is sent to its actor: at least once, and always with
//! the same command id, so it is executed once. The actor executes it only if that very timer is still set, so that one
//! which is late, or was set by somebody who had been asleep, does nothing.

mod change;
mod fire;
mod set;

use std::sync::Arc;

use aether_coordination::Coordination;
use aether_core::{EventFilter, Timers};
use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;

use self::fire::Firing;
use self::set::Setting;
use crate::builder::ActorSystemBuilder;
use crate::consumer::{ConsumerOptions, Reactor};
use crate::error::StartError;
use crate::membership::{Membership, Running};
use crate::runtime::system_event::{TIMER_CANCELLED, TIMER_SET};
use crate::system::ActorSystem;

/// The consumer group that sets and cancels timers.
const GROUP: &str = "timers";

impl ActorSystemBuilder {
    /// With timers, so that decisions may [`schedule`](crate::Decision::schedule) commands. Without, a decision that does is
    /// [refused](crate::ActorError::NotProvided).
    ///
    /// They have to outlive what the [`coordination`](Self::coordination) outlives, which remembers up to where they have
    /// been set: `MemoryTimers` go with the coordination in memory, those of JetStream with one on NATS. All processes that
    /// have actors with timers share them.
    pub fn timers(self, timers: Arc<dyn Timers>) -> Self {
        self.timers_with(timers, ConsumerOptions::default())
    }

    /// With timers, set so.
    pub fn timers_with(mut self, timers: Arc<dyn Timers>, options: ConsumerOptions) -> Self {
        self.provided.timers = true;
        self.reactors.retain(|reactor| reactor.name() != GROUP);
        self.reactors.push(Box::new(Following { timers, options }));
        self
    }
}

/// What follows the events of timers, and fires them.
struct Following {
    timers: Arc<dyn Timers>,
    options: ConsumerOptions,
}

#[async_trait]
impl Reactor for Following {
    fn name(&self) -> &str {
        GROUP
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }

    async fn start(
        self: Box<Self>,
        system: &ActorSystem,
        coordination: &Arc<dyn Coordination>,
    ) -> Result<Running, StartError> {
        let due = match self.timers.due().await {
            Ok(due) => Some(due),
            Err(error) if error.is_retryable() => None,
            Err(error) => return Err(error.into()),
        };
        let shared = &system.0.shared;
        let setting = Setting::new(Arc::clone(&self.timers), shared);
        let filter = EventFilter::all().types([TIMER_SET, TIMER_CANCELLED]);
        let group = self.options.group(GROUP.to_owned(), shared, coordination).filter(filter);
        let member = Membership::join(group, setting).await?;
        let firing = Firing::new(self.timers, system);
        let firing = AbortOnDropHandle::new(tokio::spawn(firing.run(due)));
        Ok(Running { members: vec![member], tasks: vec![firing] })
    }
}
