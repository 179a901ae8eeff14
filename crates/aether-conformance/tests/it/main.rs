//! Mutants of a store: for each rule of the conformance kit one with exactly the fault that the rule is there to find.
//! The same for the rules of the actor runtime is in `actors`.
//!
//! Without a fault the store keeps every rule, and it has gaps wherever gaps are allowed.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

#[cfg(feature = "actors")]
mod actors;
mod draft;
mod faults;
mod faulty;
mod follower;
mod mutant;
mod plain;
mod plain_timers;
mod read;
mod table;

/// Keeps the contract, with gaps in its sequences and in the indexes of its commits.
mod with_gaps {
    use crate::mutant::{Mutant, Opens};

    aether_conformance::event_store_conformance!(Opens(Mutant::NONE));
    aether_conformance::subscription_conformance!(Opens(Mutant::NONE));
    aether_conformance::snapshot_store_conformance!(Opens(Mutant::NONE));
    aether_conformance::timer_conformance!(Opens(Mutant::NONE));
}

/// Keeps the contract as far as a store can that has nothing which may be declined.
mod with_less {
    use aether_conformance::store::Capability;
    use aether_core::{Commit, SaveError, Unsupported};

    use crate::faulty::Faulty;
    use crate::mutant::{Mutant, Opens};

    fn one_actor(store: Faulty) -> Faulty {
        store.on_save(|plain, commit: &Commit<'_>| match commit.parts() {
            Ok(parts) if parts.len() > 1 && parts.len() <= aether_core::MAX_ACTORS => {
                Err(SaveError::from(Unsupported::new("a commit over several actors", "another store")))
            }
            _ => plain.save(commit),
        })
    }

    const LESS: Mutant = Mutant::new("", "", one_actor).declining(&[
        Capability::SeveralActors,
        Capability::SecondHandles,
        Capability::Namespaces,
        Capability::Retention,
        Capability::BoundedCapacity,
        Capability::CommitLimit,
        Capability::Cancellation,
        Capability::Outages,
        Capability::Timers,
    ]);

    aether_conformance::event_store_conformance!(Opens(LESS));
    aether_conformance::subscription_conformance!(Opens(LESS));
    aether_conformance::snapshot_store_conformance!(Opens(LESS));
    aether_conformance::timer_conformance!(Opens(LESS));
}
