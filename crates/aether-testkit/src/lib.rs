//! aether-testkit

#[cfg(feature = "actors")]
pub mod actors;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "scenario")]
pub mod scenario;
#[cfg(feature = "nats-server")]
pub mod server;
