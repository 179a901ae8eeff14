//! Metrics and traces of Aether: what stores, buses, groups, projections and actors count, the spans that they open, and
//! how a trace travels with events.
//!
//! | for whom | there is |
//! |---|---|
//! | programs | `serve_metrics` and `Prometheus` (feature `prometheus`), [`metrics::refresh`], [`metrics::METRICS`] |
//! | who handles events | [`handling`]: the span and the [`Context`](aether_core::Context) of an event; [`Consumer`] for those who have a name |
//! | stores | [`StoreTelemetry`]: all of a store, in one |
//! | buses, groups, projections, actors | the handles in [`metrics`], and [`span`] |
//! | runners of an application's code | [`mod@panic`]: its panics, caught, and their messages |
//! | who saves or publishes through others | [`trace::stamp`] |
//!
//! Whatever runs somebody's code for an event runs it in [`handling`] (or [`Consumer::handling`]), so that everybody's
//! handlers are part of the event's trace and conversation: groups, projections that have effects, subscribers of a bus.
//! A projection that only changes its view uses [`Consumer::applying`], which leaves the context out; whoever handles many
//! events in one go puts [`Consumer::handling_all`] around it.
//!
//! Nothing here knows NATS, and a runtime only where metrics are served. Without a recorder of metrics and without a
//! subscriber of `tracing`, all of it costs some nanoseconds; without the feature `otel`, no trace travels.

pub mod metrics;
#[cfg(feature = "otel")]
mod otel;
pub mod panic;
#[cfg(feature = "prometheus")]
mod prometheus;
pub mod span;
mod store;
pub mod trace;

#[cfg(feature = "prometheus")]
pub use prometheus::{MetricsServer, Page, Prometheus, ServeError, serve_metrics};
pub use span::Destination;
pub use store::{Loaded, Saving, StoreTelemetry};
pub use trace::{Consumer, handling};
