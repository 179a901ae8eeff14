//! Starting a process manager.

use std::marker::PhantomData;
use std::sync::Arc;

use aether_coordination::Coordination;
use aether_core::EventFilter;
use aether_telemetry::metrics::ProcessMetrics;
use async_trait::async_trait;

use super::actor::Process;
use super::event::COMMAND_SENT;
use super::follow::{Reacting, Sending};
use super::lists::{SendList, SourceList};
use super::manager::ProcessManager;
use super::options::ProcessOptions;
use crate::membership::Membership;
use crate::reactor::{Reactor, Running, StartError};
use crate::{ActorSystem, ActorSystemBuilder};

impl ActorSystemBuilder {
    /// With this process manager. The actors that it reacts to, and those that it sends commands to, have to be there too.
    pub fn process<P: ProcessManager>(self) -> Self {
        self.process_with::<P>(ProcessOptions::default())
    }

    /// With this process manager, run so.
    pub fn process_with<P: ProcessManager>(self, options: ProcessOptions) -> Self {
        let mut builder = self.actor_with::<Process<P>>(options.actor.clone());
        let name = format!("process-{}", P::NAME);
        builder.reactors.push(Box::new(Following::<P> { name, options, of: PhantomData }));
        builder
    }
}

/// What follows the events for a process manager.
struct Following<P> {
    name: String,
    options: ProcessOptions,
    of: PhantomData<fn(P)>,
}

#[async_trait]
impl<P: ProcessManager> Reactor for Following<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs(&self) -> Vec<&'static str> {
        let sources = <P::Sources as SourceList<P>>::CATEGORIES;
        let targets = <P::Sends as SendList>::TARGETS;
        [sources, targets].concat()
    }

    async fn start(
        self: Box<Self>,
        system: &ActorSystem,
        coordination: &Arc<dyn Coordination>,
    ) -> Result<Running, StartError> {
        let Self { name, options, of } = *self;
        let shared = &system.0.shared;
        let filter = match <P::Sources as SourceList<P>>::CATEGORIES {
            [only] => EventFilter::category(only),
            _ => EventFilter::all(),
        };
        let metrics = || ProcessMetrics::new(shared.namespace.as_deref(), P::NAME);
        let (system, unknown) = (system.downgrade(), options.unknown_events);
        let reacting = Reacting::<P> { system: system.clone(), unknown, metrics: metrics(), of };
        let group = options.consumer.group(name.clone(), shared, coordination);
        let mut members = vec![Membership::join(group.filter(filter), reacting).await?];
        if !<P::Sends as SendList>::COMMANDS.is_empty() {
            let sending = Sending { system, metrics: metrics() };
            let group = options.consumer.group(format!("{name}-commands"), shared, coordination);
            let filter = EventFilter::category(P::NAME).types([COMMAND_SENT]);
            members.push(Membership::join(group.filter(filter), sending).await?);
        }
        Ok(Running { members, tasks: Vec::new() })
    }
}
