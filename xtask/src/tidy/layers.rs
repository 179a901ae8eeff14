//! The layers of the workspace: which crate of ours may depend on which, as data, and what breaks them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use crate::metadata::{Metadata, Package};

/// The crates of ours, lowest layer first, each with those of ours that it may depend on: by a normal dependency, optional
/// ones included. A crate depends only on crates above its own line, so there are no circles. `ARCHITECTURE.md` draws the
/// same.
const LAYERS: &[(&str, &[&str])] = &[
    ("aether-core", &[]),
    ("aether-derive", &[]),
    ("aether-model", &[]),
    ("aether-telemetry", &["aether-core"]),
    ("aether-nats", &["aether-core"]),
    ("aether-store-memory", &["aether-core", "aether-telemetry"]),
    ("aether-store-jetstream", &["aether-core", "aether-nats", "aether-telemetry"]),
    ("aether-coordination", &["aether-core", "aether-nats"]),
    ("aether-bus", &["aether-core", "aether-nats", "aether-telemetry"]),
    ("aether-event", &["aether-core", "aether-derive"]),
    ("aether-group", &["aether-coordination", "aether-core", "aether-telemetry"]),
    ("aether-projection", &["aether-coordination", "aether-core", "aether-group", "aether-telemetry"]),
    (
        "aether-actor",
        &[
            "aether-coordination",
            "aether-core",
            "aether-derive",
            "aether-event",
            "aether-group",
            "aether-model",
            "aether-telemetry",
        ],
    ),
    (
        "aether-cluster",
        &["aether-actor", "aether-coordination", "aether-core", "aether-nats", "aether-telemetry"],
    ),
    (
        "aether",
        &[
            "aether-actor",
            "aether-bus",
            "aether-cluster",
            "aether-coordination",
            "aether-core",
            "aether-derive",
            "aether-event",
            "aether-group",
            "aether-model",
            "aether-projection",
            "aether-store-jetstream",
            "aether-store-memory",
            "aether-telemetry",
        ],
    ),
    ("aether-nats-server", &[]),
    ("aether-conformance", &["aether-actor", "aether-core", "aether-event"]),
    ("aether-testkit", &["aether-actor", "aether-core", "aether-event", "aether-projection"]),
];

/// The crates that may name async-nats. The facade hands its users the client with which they open a store.
const MAY_NAME_ASYNC_NATS: &[&str] = &[
    "aether-nats",
    "aether-store-jetstream",
    "aether-coordination",
    "aether-bus",
    "aether-cluster",
    "aether",
];

/// Runtimes and the NATS client: nothing below `aether-core` is one, and `aether-telemetry` needs one only with a feature.
const RUNTIMES: &[&str] = &["tokio", "async-std", "smol", "async-nats"];

/// A library of the workspace, as the rules see it.
#[derive(Debug)]
struct Crate<'a> {
    name: &'a str,
    /// Normal dependencies in its manifest.
    direct: BTreeSet<&'a str>,
    /// The direct dependencies that only come with a feature.
    optional: BTreeSet<&'a str>,
    /// Everything that it is built from.
    closure: BTreeSet<&'a str>,
}

/// Checks every library of the workspace against the layers, and the drawing of them.
pub(super) fn check(metadata: &Metadata, root: &Path) -> Result<Vec<String>> {
    let crates: Vec<Crate<'_>> = metadata
        .members()
        .filter(|package| package.is_library())
        .map(|package| Crate {
            name: &package.name,
            direct: package.direct().collect(),
            optional: optional(package),
            closure: metadata.closure(package),
        })
        .collect();
    let mut complaints = breaches(&crates);
    let path = root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    complaints.extend(misdrawn(&text, LAYERS));
    Ok(complaints)
}

fn optional(package: &Package) -> BTreeSet<&str> {
    package.features.values().flatten().filter_map(|f| f.strip_prefix("dep:")).collect()
}

fn breaches(crates: &[Crate<'_>]) -> Vec<String> {
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut breaches = Vec::new();
    for Crate { name, direct, optional, closure } in crates {
        let Some(allowed) = layers.get(name) else {
            breaches.push(format!(
                "{name} has no layer: add it to the table in xtask/src/tidy/layers.rs and to ARCHITECTURE.md"
            ));
            continue;
        };
        let is_ours = |name: &&str| layers.contains_key(name) || crates.iter().any(|k| k.name == *name);
        for found in direct.iter().copied().filter(is_ours).filter(|found| !allowed.contains(found)) {
            breaches.push(format!(
                "{name} depends on {found}: of ours, it may depend on {}",
                or_nothing(allowed)
            ));
        }
        if direct.contains("async-nats") && !MAY_NAME_ASYNC_NATS.contains(name) {
            breaches
                .push(format!("{name} depends on async-nats: only {} may", MAY_NAME_ASYNC_NATS.join(", ")));
        }
        let runtimes: Vec<&str> = match *name {
            "aether-core" => closure.iter().copied().filter(|dep| RUNTIMES.contains(dep)).collect(),
            "aether-telemetry" => {
                direct.difference(optional).copied().filter(|dep| RUNTIMES.contains(dep)).collect()
            }
            _ => Vec::new(),
        };
        for found in runtimes {
            breaches.push(format!("{name} needs {found}: without a feature it knows no runtime and no NATS"));
        }
    }
    breaches
}

fn or_nothing(allowed: &[&str]) -> String {
    if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") }
}

/// The name without the prefix that all crates share.
fn short(name: &str) -> &str {
    name.strip_prefix("aether-").unwrap_or(name)
}

/// Faults of the drawing: the first ```` ```text ```` block, whose lines name crates on the left of `│`, upper layers first.
/// Below an empty line stand crates beside the layers. `actor` is `aether-actor`.
fn misdrawn(text: &str, layers: &[(&str, &[&str])]) -> Vec<String> {
    let block = text.split_once("```text\n").and_then(|(_, rest)| rest.split_once("```"));
    let Some((drawing, _)) = block else { return vec!["ARCHITECTURE.md draws no layers".to_owned()] };
    let mut line_of = BTreeMap::new();
    let mut beside = BTreeSet::new();
    for (number, line) in drawing.lines().enumerate() {
        let (names, _) = line.split_once('│').unwrap_or((line, ""));
        for name in names.split_whitespace() {
            line_of.insert(name, number);
            if drawing.lines().take(number).any(str::is_empty) {
                beside.insert(name);
            }
        }
    }
    let mut complaints = Vec::new();
    for stranger in line_of.keys().filter(|drawn| layers.iter().all(|(name, _)| short(name) != **drawn)) {
        complaints.push(format!("ARCHITECTURE.md draws `{stranger}`, which is no crate of ours"));
    }
    for (name, allowed) in layers {
        let name = short(name);
        let Some(at) = line_of.get(name) else {
            complaints.push(format!("ARCHITECTURE.md does not draw `{name}`"));
            continue;
        };
        for below in allowed.iter().map(|below| short(below)) {
            if !beside.contains(name) && line_of.get(below).is_some_and(|line| line <= at) {
                complaints.push(format!("ARCHITECTURE.md draws `{below}` not below `{name}`"));
            }
        }
    }
    complaints
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
    fn a_crate_depends_only_on_crates_above_it_in_the_table() {
        for (at, (name, allowed)) in LAYERS.iter().enumerate() {
            for below in *allowed {
                let found = LAYERS.iter().take(at).any(|(lower, _)| lower == below);
                assert!(found, "{below} does not stand above {name}");
            }
        }
        for name in MAY_NAME_ASYNC_NATS {
            assert!(LAYERS.iter().any(|(known, _)| known == name), "{name} has no layer");
        }
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
                &["aether-core", "aether-nats", "async-nats"],
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
            (krate("aether-core", &["x"], &["x", "tokio"]), "aether-core needs tokio"),
            (krate("aether-core", &[], &["async-nats"]), "aether-core needs async-nats"),
            (krate("aether-core", &["aether-model"], &[]), "aether-core depends on aether-model"),
            (krate("aether-store-x", &[], &[]), "aether-store-x has no layer"),
            (
                krate("aether-store-jetstream", &["aether-store-memory"], &[]),
                "aether-store-jetstream depends on aether-store-memory",
            ),
            (krate("aether-bus", &["aether-group"], &[]), "aether-bus depends on aether-group"),
            (krate("aether-group", &["aether-nats"], &[]), "aether-group depends on aether-nats"),
            (krate("aether-actor", &["aether-cluster"], &[]), "aether-actor depends on aether-cluster"),
            (krate("aether-model", &["aether-core"], &[]), "aether-model depends on aether-core"),
            (krate("aether-nats-server", &["aether-core"], &[]), "aether-nats-server depends on aether-core"),
            (
                with_optional(krate("aether-core", &["aether-event"], &[]), "aether-event"),
                "aether-core depends on aether-event",
            ),
            (krate("aether-testkit", &["async-nats"], &[]), "aether-testkit depends on async-nats"),
            (krate("aether-telemetry", &["tokio"], &["tokio"]), "aether-telemetry needs tokio"),
        ] {
            let found = breaches(&[krate("aether-store-memory", &[], &[]), breaking]);
            assert!(matches!(found.as_slice(), [one] if one.starts_with(expected)), "{expected}: {found:?}");
        }
    }

    const TWO: &[(&str, &[&str])] = &[("aether-core", &[]), ("aether-event", &["aether-core"])];

    fn drawn(drawing: &str) -> String {
        misdrawn(&format!("# Layers\n\n```text\n{drawing}```\n"), TWO).join("; ")
    }

    #[test]
    fn a_drawing_in_order_has_no_complaint() {
        assert_eq!(drawn("event │ typed, above core\ncore  │ below event\n"), "");
        assert_eq!(drawn("core\n\nevent │ beside it\n"), "");
    }

    #[test]
    fn each_fault_of_the_drawing_is_named() {
        assert!(misdrawn("no drawing", TWO).join("").contains("draws no layers"));
        assert!(drawn("event │ above core\n").contains("does not draw `core`"));
        assert!(drawn("core\nevent\n").contains("`core` not below `event`"));
        assert!(drawn("event core\n").contains("`core` not below `event`"));
        assert!(drawn("event\ncore bus\n").contains("`bus`, which is no crate"));
    }
}
