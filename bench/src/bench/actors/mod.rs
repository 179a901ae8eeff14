//! Actors: what the runtime costs beyond the store, and against actors that save nothing.

mod activation;
pub(crate) mod asking;
mod bare;
pub(crate) mod footprint;
mod jetstream;
mod local;
pub(crate) mod order;
mod rivals;
pub(crate) mod targets;

use crate::Measure;

pub(crate) const MEASUREMENTS: &[(&str, Measure)] = &[
    ("query", local::queries),
    ("memory-command", local::commands),
    ("jetstream-command", jetstream::commands),
    ("jetstream-sharing", jetstream::sharing),
    ("memory-activation", activation::memory),
    ("jetstream-activation", activation::jetstream),
    ("million", footprint::million),
    // Builds this program anew, in the place of the one that runs: so it comes last.
    ("footprint", footprint::report),
];
