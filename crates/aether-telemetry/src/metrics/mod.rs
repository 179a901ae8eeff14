//! Metrics, by the `metrics` facade: what a store, a bus, a projection, a group or an actor system counts.
//!
//! Each of them makes its handles once ([`StoreMetrics`] and so on) and calls their methods. Any recorder of the facade
//! gets what is counted from the moment it is installed, also from handles that were made before; gauges that were set
//! before are exported with [`refresh`]. Without a recorder a call costs some nanoseconds.
//!
//! [`METRICS`] says what there is. No label has the id of an actor or of anything else that there may be any number of.
//!
//! What several owners in one process give one gauge is put together, so that two stores of one namespace do not overwrite
//! each other's; an owner that is dropped takes its share back.

mod actor;
mod bus;
mod cluster;
mod gauge;
mod group;
mod reactors;
mod recorder;
mod store;
mod table;

pub use actor::{ActorMetrics, Answered};
pub use bus::{BusMetrics, SubscriberMetrics};
pub use cluster::{ClusterMetrics, ClusterReport, RemoteEnded};
pub use group::{GroupMetrics, GroupReport, ProjectionMetrics, ProjectionReport};
pub use reactors::{EffectMetrics, ProcessMetrics, TimerMetrics};
pub use recorder::Timer;
pub use store::{StoreMetrics, SubscriptionMetrics};
pub use table::{Kind, METRICS, Metric};

pub(crate) use recorder::is_installed as is_recorded;

/// The value of the label `namespace` where there is none.
pub const NO_NAMESPACE: &str = "(none)";

/// Exports all gauges as they are now. To be called once after a recorder was installed; what is counted needs no such
/// call.
pub fn refresh() {
    gauge::refresh();
}
