//! The workspace and its dependencies, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shell::Cmd;

/// The workspace and everything that it depends on, with all features.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    pub(crate) target_directory: PathBuf,
    resolve: Resolve,
}

/// One crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) rust_version: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A dependency as a manifest names it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// Something that a crate builds.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Metadata {
    pub(crate) fn load() -> Result<Self> {
        let output = Cmd::cargo(["metadata", "--format-version", "1", "--all-features"]).output()?;
        if !output.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_slice(&output.stdout).context("cannot read what `cargo metadata` printed")
    }

    /// The workspace's own crates, by name.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The member `name`, or `aether-<name>`.
    pub(crate) fn member(&self, name: &str) -> Result<&Package> {
        let long = format!("aether-{name}");
        let found = self.members().find(|member| member.name == name);
        found.or_else(|| self.members().find(|member| member.name == long)).with_context(|| {
            let names: Vec<&str> = self.members().map(|member| member.name.as_str()).collect();
            format!("there is no crate `{name}` here; there are {}", names.join(", "))
        })
    }

    /// Returns the names of all crates that `package` is built from, however deep, without those only for its tests.
    pub(crate) fn closure(&self, package: &Package) -> BTreeSet<&str> {
        self.built_from(package).map(|found| found.name.as_str()).collect()
    }

    /// Returns all crates that `package` is built from, however deep, without those only for its tests.
    pub(crate) fn built_from(&self, package: &Package) -> impl Iterator<Item = &Package> {
        let edges: BTreeMap<&str, &[Edge]> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node.deps.as_slice())).collect();
        let (mut seen, mut todo) = (BTreeSet::new(), vec![package.id.as_str()]);
        while let Some(id) = todo.pop() {
            for edge in edges.get(id).copied().unwrap_or_default() {
                if edge.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
                    && seen.insert(edge.pkg.as_str())
                {
                    todo.push(&edge.pkg);
                }
            }
        }
        self.packages.iter().filter(move |found| seen.contains(found.id.as_str()))
    }
}

impl Package {
    /// A library that users may depend on, or that is there for their tests.
    pub(crate) fn is_library(&self) -> bool {
        self.is_in("crates")
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// Returns the normal dependencies that the manifest names, optional ones included.
    pub(crate) fn direct(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|d| d.kind.is_none()).map(|d| d.name.as_str())
    }

    /// Returns true if the package is below the folder `folder` of the workspace, such as `crates` or `examples`.
    pub(crate) fn is_in(&self, folder: &str) -> bool {
        // A clone may have that name too: its manifest tells it from a folder of packages.
        self.dir()
            .parent()
            .is_some_and(|parent| parent.ends_with(folder) && !parent.join("Cargo.toml").exists())
    }

    pub(crate) fn targets_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.targets
            .iter()
            .filter(move |target| target.kind.iter().any(|k| k == kind))
            .map(|t| t.name.as_str())
    }
}
