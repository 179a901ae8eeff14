//! The JetStream store, held against the whole contract: on one server and on three, in both encodings.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod fixture;
mod own_servers;
mod servers;
mod timers;

/// One server, CloudEvents.
mod r1_json {
    use aether_core::codec::Codec;

    use crate::fixture::OnJetStream;

    aether_conformance::event_store_conformance!(OnJetStream::r1(Codec::CloudEventsJson));
    aether_conformance::subscription_conformance!(OnJetStream::r1(Codec::CloudEventsJson));
    aether_conformance::snapshot_store_conformance!(OnJetStream::r1(Codec::CloudEventsJson));
}

/// One server, bincode.
mod r1_bincode {
    use aether_core::codec::Codec;

    use crate::fixture::OnJetStream;

    aether_conformance::event_store_conformance!(OnJetStream::r1(Codec::Bincode));
    aether_conformance::subscription_conformance!(OnJetStream::r1(Codec::Bincode));
    aether_conformance::snapshot_store_conformance!(OnJetStream::r1(Codec::Bincode));
}

/// Three servers, CloudEvents.
mod r3_json {
    use aether_core::codec::Codec;

    use crate::fixture::OnJetStream;

    aether_conformance::event_store_conformance!(OnJetStream::r3(Codec::CloudEventsJson));
    aether_conformance::subscription_conformance!(OnJetStream::r3(Codec::CloudEventsJson));
    aether_conformance::snapshot_store_conformance!(OnJetStream::r3(Codec::CloudEventsJson));
}

/// Three servers, bincode.
mod r3_bincode {
    use aether_core::codec::Codec;

    use crate::fixture::OnJetStream;

    aether_conformance::event_store_conformance!(OnJetStream::r3(Codec::Bincode));
    aether_conformance::subscription_conformance!(OnJetStream::r3(Codec::Bincode));
    aether_conformance::snapshot_store_conformance!(OnJetStream::r3(Codec::Bincode));
}

/// Timers on one server.
mod r1_timers {
    use crate::timers::TimersOnJetStream;

    aether_conformance::timer_conformance!(TimersOnJetStream::r1());
}

/// Timers on three servers.
mod r3_timers {
    use crate::timers::TimersOnJetStream;

    aether_conformance::timer_conformance!(TimersOnJetStream::r3());
}
