//! Who may depend on whom. The rules as data, and what breaks them.

use std::collections::BTreeSet;

use crate::metadata::Metadata;

/// What must not be anywhere below `aether-core`: it knows no runtime and no NATS.
const NOT_IN_CORE: &[&str] = &["tokio", "async-std", "smol", "async-nats"];

/// Of ours, what may be below a store.
const BELOW_STORES: &[&str] = &["aether-core", "aether-telemetry"];

/// Which libraries may name async-nats. The facade hands its users the client with which they open a store.
const MAY_NAME_ASYNC_NATS: &[&str] =
    &["aether-bus", "aether-cluster", "aether-coordination", "aether-store-jetstream", "aether"];

/// Members that are no libraries: they may depend on anything.
const FREE: &[&str] = &["aether-tests", "aether-bench", "xtask"];

/// A library of the workspace, as the rules see it.
#[derive(Debug)]
struct Crate<'a> {
    name: &'a str,
    /// Normal dependencies in its manifest.
    direct: BTreeSet<&'a str>,
    /// Those of them that only come with a feature.
    optional: BTreeSet<&'a str>,
    /// Everything that it is built from.
    closure: BTreeSet<&'a str>,
}

pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let crates: Vec<Crate<'_>> = metadata
        .members()
        .filter(|package| !FREE.contains(&package.name.as_str()))
        .map(|package| Crate {
            name: &package.name,
            direct: package.direct().collect(),
            optional: package.features.values().flatten().filter_map(|f| f.strip_prefix("dep:")).collect(),
            closure: metadata.closure(package),
        })
        .collect();
    breaches(&crates)
}

fn breaches(crates: &[Crate<'_>]) -> Vec<String> {
    let mut breaches = Vec::new();
    let is_ours = |name: &str| crates.iter().any(|krate| krate.name == name);
    for Crate { name, direct, optional, closure } in crates {
        if *name == "aether-core" {
            for found in closure.iter().filter(|dep| NOT_IN_CORE.contains(dep) || is_ours(dep)) {
                breaches.push(format!(
                    "aether-core is built from {found}: it knows no runtime, no NATS and none of ours"
                ));
            }
        }
        if name.starts_with("aether-store-") {
            for found in direct.iter().filter(|dep| !BELOW_STORES.contains(dep) && is_ours(dep)) {
                breaches.push(format!(
                    "{name} depends on {found}: of ours, a store depends on {} alone",
                    BELOW_STORES.join(" and ")
                ));
            }
        }
        if *name == "aether-telemetry" {
            for found in closure.iter().filter(|dep| **dep != "aether-core" && is_ours(dep)) {
                breaches.push(format!("{name} is built from {found}: of ours, it knows aether-core alone"));
            }
            let required = direct.difference(optional);
            for found in required.filter(|dep| NOT_IN_CORE.contains(dep)) {
                breaches.push(format!(
                    "{name} depends on {found}: it knows a runtime only where it serves metrics"
                ));
            }
        }
        if direct.contains("async-nats") && !MAY_NAME_ASYNC_NATS.contains(name) {
            breaches
                .push(format!("{name} depends on async-nats: only {} may", MAY_NAME_ASYNC_NATS.join(", ")));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krate<'a>(name: &'a str, direct: &[&'a str], closure: &[&'a str]) -> Crate<'a> {
        let set = |names: &[&'a str]| names.iter().copied().collect();
        Crate { name, direct: set(direct), optional: BTreeSet::new(), closure: set(closure) }
    }

    /// The same, with this dependency behind a feature.
    fn with_optional<'a>(mut krate: Crate<'a>, dependency: &'a str) -> Crate<'a> {
        krate.optional.insert(dependency);
        krate
    }

    #[test]
    fn the_layers_as_designed_are_no_breach() {
        let crates = [
            krate("aether-core", &["serde"], &["serde"]),
            with_optional(
                krate("aether-telemetry", &["aether-core", "tokio"], &["aether-core", "tokio"]),
                "tokio",
            ),
            krate(
                "aether-store-memory",
                &["aether-core", "aether-telemetry"],
                &["aether-core", "aether-telemetry", "serde", "tokio"],
            ),
            krate(
                "aether-store-jetstream",
                &["aether-core", "async-nats"],
                &["aether-core", "async-nats", "tokio"],
            ),
            krate("aether-testkit", &["aether-core", "tokio"], &["aether-core", "tokio"]),
            krate("aether", &["aether-store-jetstream", "async-nats"], &["async-nats"]),
        ];
        assert_eq!(breaches(&crates), Vec::<String>::new());
    }

    #[test]
    fn each_breach_is_named() {
        for (breaking, expected) in [
            (krate("aether-core", &["x"], &["x", "tokio"]), "aether-core is built from tokio"),
            (krate("aether-core", &[], &["async-nats"]), "aether-core is built from async-nats"),
            (
                krate("aether-core", &[], &["aether-store-memory"]),
                "aether-core is built from aether-store-memory",
            ),
            (
                krate("aether-store-x", &["aether-store-memory"], &[]),
                "aether-store-x depends on aether-store-memory",
            ),
            (krate("aether-testkit", &["async-nats"], &[]), "aether-testkit depends on async-nats"),
            (krate("aether-telemetry", &["tokio"], &["tokio"]), "aether-telemetry depends on tokio"),
            (
                krate("aether-telemetry", &[], &["aether-store-memory"]),
                "aether-telemetry is built from aether-store-memory",
            ),
        ] {
            let found = breaches(&[krate("aether-store-memory", &[], &[]), breaking]);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(expected)), "{expected}: {found:?}");
        }
    }
}
