//! Spelling, by typos and `typos.toml`.

use anyhow::Result;

use crate::shell::Cmd;
use crate::tools;

const VERSION: &str = "1.52.0";

/// Checks the spelling of everything, if the checker can be had; otherwise says why not.
///
/// # Errors
///
/// When words are misspelt.
pub(crate) fn run() -> Result<Option<String>> {
    match tools::python_tool("typos", VERSION) {
        Ok(typos) => Cmd::new(typos).arg("--config").arg("typos.toml").run().map(|()| None),
        Err(error) => Ok(Some(format!("typos cannot be had, so spelling was not checked: {error:#}"))),
    }
}
