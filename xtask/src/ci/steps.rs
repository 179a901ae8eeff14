//! The single checks of `cargo xtask ci`.

use std::collections::BTreeSet;

use aether_nats_server::LOWEST_SUPPORTED;
use anyhow::{Result, bail, ensure};

use crate::metadata::{Metadata, Package};
use crate::shell::Cmd;
use crate::{deny, test, tidy, typos};

/// One check. It gives a statement when it, or a part of it, could not be done on this machine.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn() -> Result<Option<String>>,
}

/// All of them; the quick ones first, and those that share what is built next to each other.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", what: "formatting", run: || fmt().map(|()| None) },
    Step {
        name: "tidy",
        what: "layers, portability, docs, file sizes",
        run: || tidy::run(&tidy::Args::default()).map(|()| None),
    },
    Step { name: "typos", what: "spelling", run: typos::run },
    Step { name: "clippy", what: "lints of all targets with all features", run: || clippy().map(|()| None) },
    Step { name: "features", what: "each crate without features, and with each alone", run: features },
    Step { name: "doc", what: "documentation", run: doc },
    Step { name: "test", what: "tests and doctests", run: tests },
    Step { name: "oldest", what: "conformance on the lowest supported nats-server", run: oldest },
    Step { name: "examples", what: "every example runs", run: examples },
    Step { name: "deny", what: "dependencies: bans, licences, sources, advisories", run: deny::run },
    Step { name: "msrv", what: "the declared lowest Rust version", run: msrv },
    Step { name: "campaign", what: "a tenth of the fault campaigns", run: campaigns },
];

pub(crate) fn fmt() -> Result<()> {
    Cmd::cargo(["fmt", "--all", "--", "--check"]).run()
}

// `-D warnings` goes to clippy alone: as RUSTFLAGS it would build everything anew.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub(crate) fn clippy() -> Result<()> {
    Cmd::cargo(["clippy", "--workspace", "--all-targets", "--all-features"]).args(DENY_WARNINGS).run()
}

/// Features are additive and none needs another that it does not name.
fn features() -> Result<Option<String>> {
    let metadata = Metadata::load()?;
    let mut failed = Vec::new();
    for package in metadata.members().filter(|package| package.targets_of("lib").next().is_some()) {
        let alone = package
            .features
            .keys()
            .filter(|feature| *feature != "default")
            .map(|feature| Some(feature.as_str()));
        for feature in std::iter::once(None).chain(alone) {
            let mut cmd =
                Cmd::cargo(["clippy", "--quiet", "--no-default-features", "--package"]).arg(&package.name);
            if let Some(feature) = feature {
                cmd = cmd.args(["--features", feature]);
            }
            if cmd.args(DENY_WARNINGS).run().is_err() {
                failed.push(format!("{} with {}", package.name, feature.unwrap_or("no feature")));
            }
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join(", "));
    Ok(None)
}

fn doc() -> Result<Option<String>> {
    let cmd = Cmd::cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    cmd.env("RUSTDOCFLAGS", "-D warnings").run().map(|()| None)
}

fn tests() -> Result<Option<String>> {
    let (counts, complaints) = test::run_tests(&test::Args::default())?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if complaints.is_empty() && counts.failed == 0 { Ok(None) } else { bail!("{}", complaints.join(", ")) }
}

fn oldest() -> Result<Option<String>> {
    test::run_on_version(LOWEST_SUPPORTED, "jetstream_conformance").map(|()| None)
}

/// Runs of examples in addition to the run without arguments.
const EXAMPLES_TOO: &[(&str, &[&str])] =
    &[("bank", &["--store", "nats", "--kills", "2", "--transfers", "300"])];

fn examples() -> Result<Option<String>> {
    let metadata = Metadata::load()?;
    build_programs()?;
    let mut failed = Vec::new();
    for example in metadata.members().filter(|package| package.is_in("examples")) {
        let name = example.name.as_str();
        let too = EXAMPLES_TOO.iter().filter(|(of, _)| *of == name).map(|(_, args)| *args);
        for args in std::iter::once::<&[&str]>(&[]).chain(too) {
            let program = metadata.target_directory.join("debug").join(name);
            if Cmd::new(program).args(args).run().is_err() {
                failed.push(format!("{name} {}", args.join(" ")));
            }
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join(", "));
    Ok(None)
}

/// Builds what is run here with the features that the tests use: the whole workspace, and `--examples`, with which Cargo
/// takes dev-dependencies into account. Otherwise everything would be built once more with fewer features.
fn build_programs() -> Result<()> {
    Cmd::cargo(["build", "--workspace", "--all-features", "--bins", "--examples"]).run()
}

fn msrv() -> Result<Option<String>> {
    let metadata = Metadata::load()?;
    let Some(lowest) = metadata.members().find_map(|package| package.rust_version.as_deref()) else {
        bail!("no crate declares a rust-version");
    };
    let libraries: Vec<&Package> = metadata.members().filter(|package| package.is_library()).collect();
    let newer = newer_than(lowest, libraries.iter().flat_map(|package| metadata.built_from(package)));
    ensure!(newer.is_empty(), "these need a newer Rust than {lowest}: {}", newer.join(", "));
    let not_here =
        format!("the toolchain {lowest} is not installed: only what dependencies declare was checked");
    let Ok(list) = Cmd::new("rustup").args(["toolchain", "list"]).output() else { return Ok(Some(not_here)) };
    let list = String::from_utf8_lossy(&list.stdout);
    let of_lowest = |name: &&str| {
        name.strip_prefix(lowest).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    let Some(toolchain) = list.split_whitespace().find(of_lowest) else { return Ok(Some(not_here)) };
    // The lowest Rust version is a promise to users, and users depend on the libraries alone.
    let packages = libraries.iter().flat_map(|package| ["--package", package.name.as_str()]);
    Cmd::new("rustup")
        .args(["run", toolchain, "cargo", "check", "--all-features", "--target-dir"])
        .arg(metadata.target_directory.join("msrv"))
        .args(packages)
        .run()
        .map(|()| None)
}

/// Returns the packages that declare a newer Rust than `lowest`, each with its version.
fn newer_than<'a>(lowest: &str, packages: impl Iterator<Item = &'a Package>) -> Vec<String> {
    let parts =
        |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
    let needs = |package: &'a Package| package.rust_version.as_deref().map(|version| (package, version));
    let newer =
        packages.filter_map(needs).filter(|(_, version)| parts(version) > parts(&format!("{lowest}.0")));
    let newer: BTreeSet<String> =
        newer.map(|(package, version)| format!("{} ({version})", package.name)).collect();
    newer.into_iter().collect()
}

fn campaigns() -> Result<Option<String>> {
    let metadata = Metadata::load()?;
    build_programs()?;
    for suite in ["stores", "streams", "actors", "cluster-sim", "cluster-real"] {
        Cmd::new(metadata.target_directory.join("debug/campaign")).args([suite, "--tenth"]).run()?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_newer_rust_is_named() {
        let metadata = Metadata::load().expect("metadata");
        let core = metadata.member("core").expect("found");
        assert_eq!(newer_than("9.0", metadata.built_from(core)), Vec::<String>::new());
        let newer = newer_than("1.1", metadata.built_from(core));
        assert!(newer.iter().any(|name| name.starts_with("serde (")), "{newer:?}");
    }
}
