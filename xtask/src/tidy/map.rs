//! The code map: every file and folder that `ARCHITECTURE.md` names is there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Checks the names of files and folders in `ARCHITECTURE.md`.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let path = root.join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(missing(&text, &|path| root.join(path).exists()))
}

/// Names in backticks that end with `.rs` or `/` and are nowhere: neither below the root, nor below `crates`, nor in the
/// sources of a crate that the section's heading names.
fn missing(text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut section: Vec<&str> = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        in_code ^= line.starts_with("```");
        let names: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        if line.starts_with('#') {
            section = names;
            continue;
        }
        let is_path = |name: &&str| (name.ends_with(".rs") || name.ends_with('/')) && !name.contains(' ');
        for name in names.into_iter().filter(is_path).filter(|_| !in_code) {
            let in_section = || section.iter().any(|krate| exists(&format!("{krate}/src/{name}")));
            if !exists(name) && !exists(&format!("crates/{name}")) && !in_section() {
                complaints.push(format!("ARCHITECTURE.md:{}: there is no `{name}`", number + 1));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let there = ["xtask/", "crates/aether-core/src/event.rs", "crates/aether-core/src/codec/"];
        missing(text, &|path| there.contains(&path)).join("; ")
    }

    #[test]
    fn files_are_found_in_the_crate_of_the_section() {
        assert_eq!(said("### `crates/aether-core`\n\n`event.rs`, `codec/` and `xtask/`; `EventStore`."), "");
        assert_eq!(said("See `aether-core/src/event.rs`."), "");
        assert_eq!(said("```text\n`gone.rs`\n```"), "");
    }

    #[test]
    fn a_file_that_is_gone_is_named() {
        assert!(
            said("### `crates/aether-core`\n\n`events.rs`")
                .contains("ARCHITECTURE.md:3: there is no `events.rs`")
        );
        assert!(said("### `crates/aether-bus`\n\n`event.rs`").contains("`event.rs`"));
        assert!(said("See `bench/`.").contains("`bench/`"));
    }
}
