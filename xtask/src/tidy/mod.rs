//! `cargo xtask tidy`: what no compiler checks. Also a test, so that nobody forgets it.

mod files;
mod first_lines;
mod layers;
mod map;
mod portable;
mod sizes;
mod sources;

use anyhow::{Result, bail};

use crate::metadata::Metadata;
use crate::shell::root;
use sources::Library;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Lower the ratchet of first lines of documentation to what is there now.
    #[arg(long)]
    write: bool,
    /// Print how large the files of each library are, and check nothing.
    #[arg(long, conflicts_with = "write")]
    sizes: bool,
}

/// Checks the whole workspace.
///
/// # Errors
///
/// With all that is not tidy, a line each.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (metadata, root) = (Metadata::load()?, root());
    let libraries = Library::all(&metadata)?;
    if args.sizes {
        print!("{}", sizes::table(&libraries));
        return Ok(());
    }
    let mut complaints = layers::check(&metadata, &root)?;
    complaints.extend(map::check(&root)?);
    complaints.extend(portable::check(&libraries));
    complaints.extend(first_lines::check(&libraries, &root, args.write)?);
    complaints.extend(files::check(&root)?);
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("not tidy:\n  {}", complaints.join("\n  "))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_workspace_is_tidy() {
        if let Err(error) = super::run(&super::Args::default()) {
            panic!("{error:#}");
        }
    }
}
