//! The runtime of actors on the JetStream store, held against its contract: on one server and on three.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod fixture;

/// One server.
mod r1 {
    aether_conformance::actor_conformance!(crate::fixture::OnJetStream::r1());
}

/// Three servers.
mod r3 {
    aether_conformance::actor_conformance!(crate::fixture::OnJetStream::r3());
}
