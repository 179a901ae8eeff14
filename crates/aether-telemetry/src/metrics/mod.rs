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
mod effect;
mod gauge;
mod group;
mod process;
mod projection;
mod recorder;
mod store;
mod subscription;
mod table;
mod timer;
mod timers;

pub use actor::{ActorMetrics, Answered};
pub use bus::{BusMetrics, SubscriberMetrics};
pub use cluster::{ClusterMetrics, ClusterReport, RemoteEnded};
pub use effect::EffectMetrics;
pub use group::{GroupMetrics, GroupReport};
pub use process::ProcessMetrics;
pub use projection::{ProjectionMetrics, ProjectionReport};
pub use store::StoreMetrics;
pub use subscription::SubscriptionMetrics;
pub use table::{Kind, METRICS, Metric};
pub use timer::Timer;
pub use timers::TimerMetrics;

pub(crate) use recorder::is_installed as is_recorded;

/// The value of the label `namespace` where there is none.
pub const NO_NAMESPACE: &str = "(none)";

/// Exports all gauges as they are now. To be called once after a recorder was installed; what is counted needs no such
/// call.
pub fn refresh() {
    gauge::refresh();
}
