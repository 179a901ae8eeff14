//! Tools that a fresh machine does not have, and the directory they are kept in.

use std::fs;
use std::path::{Path, PathBuf};

use aether_nats_server::tools_dir;
use anyhow::{Context, Result};

use crate::metadata::Metadata;
use crate::shell::Cmd;

/// A program written in Rust: the one on the PATH or in the tools directory, else installed there from its source, of
/// exactly this version.
pub(crate) fn cargo_tool(name: &str, version: &str) -> Result<PathBuf> {
    let ours = tools_dir().join("bin").join(name);
    for candidate in [Path::new(name), &ours] {
        if Cmd::new(candidate).arg("--version").succeeds() {
            return Ok(candidate.to_owned());
        }
    }
    eprintln!("installing {name} {version} into {}; this takes minutes, once", tools_dir().display());
    // Not optimised: it builds in less than half the time, and what it does takes seconds either way.
    Cmd::cargo(["install", "--locked", "--debug", "--root"])
        .arg(tools_dir())
        .arg(format!("{name}@{version}"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .run()?;
    Ok(ours)
}

/// A program that comes as a Python package: the one on the PATH, else installed into an environment of its own.
pub(crate) fn python_tool(name: &str, version: &str) -> Result<PathBuf> {
    if Cmd::new(name).arg("--version").succeeds() {
        return Ok(PathBuf::from(name));
    }
    let env = tools_dir().join(format!("{name}-{version}"));
    let program = env.join("bin").join(name);
    if !Cmd::new(&program).arg("--version").succeeds() {
        Cmd::new("python3").args(["-m", "venv", "--clear"]).arg(&env).run()?;
        Cmd::new(env.join("bin").join("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .arg(format!("{name}=={version}"))
            .run()?;
    }
    Ok(program)
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
