#![cfg_attr(all(feature = "actor", feature = "memory"), doc = include_str!("../README.md"))]
#![cfg_attr(not(all(feature = "actor", feature = "memory")), doc = "Distributed event sourcing over NATS.")]

pub use aether_core::*;

/// The embedded store, for tests, demos and programs without a server (feature `memory`, on by default).
#[cfg(feature = "memory")]
pub mod memory {
    #[doc(inline)]
    pub use aether_store_memory::*;
}

/// The store on NATS JetStream (feature `jetstream`), and the NATS client that it is opened with.
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

/// What processes agree on and hear of each other: what groups and projections are opened with (feature `group`, on by
/// default).
#[cfg(feature = "group")]
pub mod coordination {
    #[doc(inline)]
    pub use aether_coordination::*;
}

/// Projections: views that follow the events, and never skip one (feature `projection`, on by default).
#[cfg(feature = "projection")]
pub mod projection {
    #[doc(inline)]
    pub use aether_projection::*;
}

/// Event-sourced actors: commands, what happens because of them, and answers that stand (feature `actor`, on by default).
#[cfg(feature = "actor")]
pub mod actor {
    #[doc(inline)]
    pub use aether_actor::*;
}

/// Typed events: enums whose variants have stable names and versions (feature `actor`, on by default).
#[cfg(feature = "actor")]
pub mod event {
    #[doc(inline)]
    pub use aether_event::*;
}

/// The EventStorming model: boards that are checked, drawn, and held against the code (feature `actor`, on by default).
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

/// The event bus: events to whoever listens at the moment (feature `bus`).
#[cfg(feature = "bus")]
pub mod bus {
    #[doc(inline)]
    pub use aether_bus::*;
}

/// Metrics and traces: how to get at them, and what those who handle events by themselves use.
///
/// The feature `prometheus` has an endpoint for Prometheus, the feature `otel` carries traces along with events. What there
/// is to see is in `docs/metrics.md` and `docs/tracing.md`.
pub mod telemetry {
    #[doc(inline)]
    pub use aether_telemetry::*;
}

/// What `docs/` shows in code is compiled and run with the tests.
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
