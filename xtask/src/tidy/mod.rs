//! `cargo xtask tidy`: what no compiler checks. Also a test, so that nobody forgets it.

mod files;
mod layers;

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::shell::root;

/// Checks the whole workspace.
///
/// # Errors
///
/// With all that is not tidy, a line each.
pub(crate) fn run() -> Result<()> {
    let metadata = Metadata::load()?;
    let mut complaints = layers::check(&metadata);
    complaints.extend(files::check(&root())?);
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("not tidy:\n  {}", complaints.join("\n  "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        if let Err(error) = super::run() {
            panic!("{error:#}");
        }
    }
}
