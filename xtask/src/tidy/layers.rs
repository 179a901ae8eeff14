//! Who may depend on whom. The rules as data, and what breaks them.

use std::collections::BTreeSet;

use crate::metadata::Metadata;

/// What must not be anywhere below `aether-core`: it knows no runtime and no NATS.
const NOT_IN_CORE: &[&str] = &["tokio", "async-std", "smol", "async-nats"];

/// Which libraries may name async-nats. The facade hands its users the client with which they open a store.
const MAY_NAME_ASYNC_NATS: &[&str] = &["aether-store-jetstream", "aether"];

/// Members that are no libraries: they may depend on anything.
const FREE: &[&str] = &["aether-tests", "aether-bench", "xtask"];

/// A library of the workspace, as the rules see it.
#[derive(Debug)]
struct Crate<'a> {
    name: &'a str,
    /// Normal dependencies in its manifest.
    direct: BTreeSet<&'a str>,
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
            closure: metadata.closure(package),
        })
        .collect();
    breaches(&crates)
}

fn breaches(crates: &[Crate<'_>]) -> Vec<String> {
    let mut breaches = Vec::new();
    let is_ours = |name: &str| crates.iter().any(|krate| krate.name == name);
    for Crate { name, direct, closure } in crates {
        if *name == "aether-core" {
            for found in closure.iter().filter(|dep| NOT_IN_CORE.contains(dep) || is_ours(dep)) {
                breaches.push(format!(
                    "aether-core is built from {found}: it knows no runtime, no NATS and none of ours"
                ));
            }
        }
        if name.starts_with("aether-store-") {
            for found in direct.iter().filter(|dep| **dep != "aether-core" && is_ours(dep)) {
                breaches.push(format!(
                    "{name} depends on {found}: of ours, a store depends on aether-core alone"
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
        Crate { name, direct: direct.iter().copied().collect(), closure: closure.iter().copied().collect() }
    }

    #[test]
    fn the_layers_as_designed_are_no_breach() {
        let crates = [
            krate("aether-core", &["serde"], &["serde"]),
            krate("aether-store-memory", &["aether-core"], &["aether-core", "serde", "tokio"]),
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
        let memory = krate("aether-store-memory", &[], &[]);
        for (krate, expected) in [
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
        ] {
            let found = breaches(&[memory_of(&memory), krate]);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(expected)), "{expected}: {found:?}");
        }
    }

    fn memory_of<'a>(memory: &Crate<'a>) -> Crate<'a> {
        Crate { name: memory.name, direct: memory.direct.clone(), closure: memory.closure.clone() }
    }
}
