//! `cargo xtask schemas`: the schema files of the examples' events.

use anyhow::Result;

use crate::shell::Cmd;

/// The examples that have one, each with a test `schemas_…`.
const EXAMPLES: &[&str] = &["bank"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the files anew, unless old events could then not be read any more.
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for example in EXAMPLES {
        let mut cmd = Cmd::cargo(["test", "--quiet", "--package", example, "--all-features"]);
        if args.write {
            cmd = cmd.env("AETHER_WRITE_SCHEMAS", "1");
        }
        cmd.args(["--", "schemas_"]).run()?;
    }
    Ok(())
}
