//! Spelling, by typos and `typos.toml`.

use aether_nats_server::WheelError;
use anyhow::Result;

use crate::shell::Cmd;
use crate::tools::TYPOS;

/// Checks the spelling of everything, if the checker can be fetched; otherwise says why not.
///
/// # Errors
///
/// When words are misspelt, and when the checker that was downloaded is not the pinned one.
pub(crate) fn run() -> Result<Option<String>> {
    match TYPOS.find() {
        Ok(typos) => Cmd::new(typos).arg("--config").arg("typos.toml").run().map(|()| None),
        Err(error) if matches!(error.downcast_ref(), Some(WheelError::WrongHash { .. })) => Err(error),
        Err(error) => Ok(Some(format!("typos could not be fetched, so spelling was not checked: {error:#}"))),
    }
}
