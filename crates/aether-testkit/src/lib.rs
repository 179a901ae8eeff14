//! aether-testkit

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "nats-server")]
pub mod server;
