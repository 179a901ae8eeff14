//! The faults, by the theme of the rule that has to find them.

mod actors;
mod atomicity;
mod concurrency;
mod confirm;
mod data;
mod expectations;
mod handles;
mod ids;
mod limits;
mod notes;
mod reading;
mod resend;
mod snapshots;
mod subscribing;
mod subscriptions;
mod timers;
mod versions;
mod whole_commits;

use crate::mutant::Mutant;

/// All mutants.
pub(crate) fn all() -> Vec<Mutant> {
    [
        versions::ALL,
        expectations::ALL,
        notes::ALL,
        confirm::ALL,
        atomicity::ALL,
        actors::ALL,
        reading::ALL,
        ids::ALL,
        data::ALL,
        resend::ALL,
        handles::ALL,
        concurrency::ALL,
        limits::ALL,
        subscribing::ALL,
        whole_commits::ALL,
        subscriptions::ALL,
        snapshots::ALL,
        timers::ALL,
    ]
    .concat()
}
