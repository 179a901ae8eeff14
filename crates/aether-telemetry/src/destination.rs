//! [`Destination`]: where events are kept or sent, as spans name it.

/// The place where events are kept or sent: the `messaging.system` and `messaging.destination.name` of spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub(crate) system: &'static str,
    pub(crate) name: String,
}

impl Destination {
    /// A stream of JetStream, or what is common to the subjects of a bus.
    #[must_use]
    pub fn nats(name: impl Into<String>) -> Self {
        Self { system: "nats", name: name.into() }
    }

    /// Something in the memory of this process.
    #[must_use]
    pub fn local(name: impl Into<String>) -> Self {
        Self { system: "aether", name: name.into() }
    }
}
