#![cfg_attr(all(feature = "actor", feature = "memory"), doc = include_str!("../README.md"))]
#![cfg_attr(not(all(feature = "actor", feature = "memory")), doc = "Distributed event sourcing over NATS.")]

pub use aether_core::*;

/// The embedded store, for tests, demos and programs without a server (feature `memory`, on by default).
#[cfg(feature = "memory")]
pub mod memory {
    #[doc(inline)]
    pub use aether_store_memory::*;
}

/// The store on NATS JetStream (feature `jetstream`), and the NATS client to open it with.
#[cfg(feature = "jetstream")]
pub mod jetstream {
    #[doc(inline)]
    pub use aether_store_jetstream::*;
    pub use async_nats;
}

/// Consumer groups: several processes share one subscription, and each actor's events stay in order (feature `group`, on
/// by default).
#[cfg(feature = "group")]
pub mod group {
    #[doc(inline)]
    pub use aether_group::*;
}

/// Keys, signals, leases and singletons that processes share; groups and projections stand on it (feature `group`, on by
/// default).
#[cfg(feature = "group")]
pub mod coordination {
    #[doc(inline)]
    pub use aether_coordination::*;
}

/// Projections: views that follow the events and never skip one (feature `projection`, on by default).
#[cfg(feature = "projection")]
pub mod projection {
    #[doc(inline)]
    pub use aether_projection::*;
}

/// Event-sourced actors: commands are decided, saved, and then answered (feature `actor`, on by default).
#[cfg(feature = "actor")]
pub mod actor {
    #[doc(inline)]
    pub use aether_actor::*;
    pub use aether_derive::{CommandOfFacade as Command, EffectOfFacade as Effect, QueryOfFacade as Query};

    pub use super::event;
}

/// Typed events: enums whose variants have stable names and versions (feature `actor`, on by default).
#[cfg(feature = "actor")]
pub mod event {
    pub use aether_derive::DomainEventOfFacade as DomainEvent;
    #[doc(inline)]
    pub use aether_event::*;
}

/// The EventStorming model: boards that are validated, drawn, and compared with the code (feature `actor`, on by default).
///
/// The feature `boards` reads and writes boards in YAML and JSON.
#[cfg(feature = "actor")]
pub mod model {
    #[doc(inline)]
    pub use aether_model::*;
}

/// The cluster: the same actors, spread over processes (feature `cluster`).
#[cfg(feature = "cluster")]
pub mod cluster {
    #[doc(inline)]
    pub use aether_cluster::*;
}

/// The event bus: delivers events to current subscribers (feature `bus`).
#[cfg(feature = "bus")]
pub mod bus {
    #[doc(inline)]
    pub use aether_bus::*;
}

/// Metrics and traces, and the spans for programs that handle events themselves.
///
/// The feature `prometheus` adds an endpoint for Prometheus, the feature `otel` carries traces along with events.
/// `docs/metrics.md` and `docs/tracing.md` list all metrics and spans.
pub mod telemetry {
    #[doc(inline)]
    pub use aether_telemetry::*;
}

/// The code in `docs/`, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/event-format.md")]
mod event_format {}

/// Actors, as `docs/` shows them.
#[cfg(all(doctest, feature = "actor", feature = "memory"))]
#[doc = include_str!("../../../docs/actors.md")]
mod actors {}

/// Clusters, as `docs/` shows them.
#[cfg(all(doctest, feature = "cluster"))]
#[doc = include_str!("../../../docs/cluster.md")]
mod clusters {}

/// Metrics, as `docs/` shows them.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/metrics.md")]
mod metrics {}
