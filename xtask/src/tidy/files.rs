//! The rules for every file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The most lines that a source file may have.
const MAX_LINES: usize = 500;

/// Source files that are longer for a reason. Keep this empty if you can.
const MAY_BE_LONGER: &[&str] = &[];

/// Directories that hold nothing of ours.
const NOT_OURS: &[&str] = &["target", "corpus", "artifacts"];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &["/home/", "/Users/", "/root/"];

/// Files about which paths are written on purpose: the list above.
const MAY_NAME_MACHINE_PATHS: &[&str] = &["xtask/src/tidy/files.rs"];

/// Complaints about all files below `root`.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    list(root, &mut files)?;
    let mut complaints = Vec::new();
    for path in &files {
        let shown = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        // What is not text has no lines.
        let Ok(text) = fs::read_to_string(path) else { continue };
        complaints.extend(about(&shown, &text).into_iter().map(|complaint| format!("{shown}: {complaint}")));
    }
    let read = |name: &str| fs::read_to_string(root.join(name));
    match (read("README.md"), read("crates/aether/README.md")) {
        (Ok(ours), Ok(theirs)) if ours == theirs => {}
        _ => complaints.push("README.md and crates/aether/README.md must be there, and the same".to_owned()),
    }
    Ok(complaints)
}

/// Complaints about one file.
fn about(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if path.ends_with(".rs") {
        let first = text.lines().next().unwrap_or_default();
        // A crate's documentation may be its README.
        let is_readme = first.starts_with("#![") && first.contains("doc = include_str!(");
        if !is_readme && !first.starts_with("//!") {
            complaints.push("it does not begin with module documentation (`//!`)".to_owned());
        }
        let lines = text.lines().count();
        if lines > MAX_LINES && !MAY_BE_LONGER.contains(&path) {
            complaints.push(format!("{lines} lines, where {MAX_LINES} are enough: it is two files"));
        }
    }
    if path.ends_with("/Cargo.toml")
        && !text.contains("[workspace]")
        && !text.contains("[lints]\nworkspace = true")
    {
        complaints.push("it does not inherit the workspace's lints (`[lints] workspace = true`)".to_owned());
    }
    if !MAY_NAME_MACHINE_PATHS.contains(&path) {
        for (number, line) in text.lines().enumerate() {
            if let Some(found) = machine_path(line) {
                complaints.push(format!("line {}: a path of one machine (`{found}`)", number + 1));
            }
        }
    }
    complaints
}

/// A path in `line` that begins as those of one machine do. `target/root/x` is none: it begins elsewhere.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_PATHS.iter().copied().find(|start| {
        line.match_indices(start).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || "._-~/})>".contains(c))
        })
    })
}

/// Adds every file below `dir`, without hidden history and what was built.
pub(super) fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().with_context(|| format!("cannot look at {}", path.display()))?;
        if kind.is_dir() {
            // Hidden directories hold settings; `.git` holds everything again.
            if name != ".git" && !NOT_OURS.contains(&name.as_ref()) {
                list(&path, files)?;
            }
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(path: &str, text: &str) -> String {
        about(path, text).join("; ")
    }

    #[test]
    fn a_tidy_file_has_no_complaint() {
        assert_eq!(complaint("a/b.rs", "//! What it is about.\nfn f() {}\n"), "");
        assert_eq!(complaint("a/lib.rs", "#![doc = include_str!(\"../README.md\")]\nfn f() {}\n"), "");
        assert_eq!(complaint("a/b.rs", &format!("//! x\n{}", "\n".repeat(MAX_LINES - 1))), "");
        assert_eq!(complaint("a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n"), "");
        assert_eq!(
            complaint("a.md", "see target/root/x, ~/home/x, ../root/x and https://example.org/home/x"),
            ""
        );
    }

    #[test]
    fn each_untidiness_is_named() {
        assert!(complaint("a/b.rs", "fn f() {}\n").contains("module documentation"));
        assert!(complaint("a/b.rs", "#![no_std]\n//! x\n").contains("module documentation"));
        assert!(complaint("a/b.rs", &format!("//! x\n{}", "\n".repeat(MAX_LINES))).contains("501 lines"));
        assert!(complaint("a/Cargo.toml", "[package]\n").contains("lints"));
        for path in MACHINE_PATHS {
            assert!(complaint("a.md", &format!("it is in `{path}somebody`")).contains("line 1"), "{path}");
        }
    }

    #[test]
    fn a_readme_that_differs_is_named() {
        let dir = std::env::temp_dir().join(aether_nats_server::unique_name("aether-tidy"));
        fs::create_dir_all(dir.join("crates/aether")).expect("created");
        let said = |dir: &Path| check(dir).expect("checked").join("; ");
        assert!(said(&dir).contains("README.md"));
        fs::write(dir.join("README.md"), "a").expect("written");
        fs::write(dir.join("crates/aether/README.md"), "b").expect("written");
        assert!(said(&dir).contains("README.md"));
        fs::write(dir.join("crates/aether/README.md"), "a").expect("written");
        assert_eq!(said(&dir), "");
        fs::remove_dir_all(dir).expect("removed");
    }
}
