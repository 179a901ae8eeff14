//! `cargo xtask deny`: what we depend on, by cargo-deny and `deny.toml`.

use anyhow::Result;

use crate::shell::Cmd;
use crate::tools::DENY;

/// Checks bans, licences and sources, and advisories if it can; otherwise says why not.
///
/// # Errors
///
/// When a check fails, or cargo-deny cannot be had.
pub(crate) fn run() -> Result<Option<String>> {
    let deny = DENY.find()?;
    let deny = || Cmd::new(&deny).args(["--all-features", "--workspace"]);
    deny().args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]).run()?;
    // It lies in a git repository of its own, which not every machine can reach.
    if !deny().args(["fetch", "db"]).succeeds() {
        return Ok(Some("the advisory database cannot be reached: advisories were not checked".to_owned()));
    }
    deny().args(["check", "advisories"]).run()?;
    Ok(None)
}
