//! Portability: the libraries that users depend on need no Unix.

use super::sources::Library;

/// Libraries that may need Unix: the harness stops and resumes processes, and runs only where tests run.
const MAY_NEED_UNIX: &[&str] = &["aether-nats-server"];

/// Crates that exist on Unix alone.
const UNIX_CRATES: &[&str] = &["libc", "nix", "rustix"];

/// Complaints about everything in a library that another system would miss.
pub(super) fn check(libraries: &[Library]) -> Vec<String> {
    let mut complaints = Vec::new();
    for library in libraries.iter().filter(|library| !MAY_NEED_UNIX.contains(&library.name.as_str())) {
        let name = &library.name;
        for found in library.dependencies.iter().filter(|name| UNIX_CRATES.contains(&name.as_str())) {
            complaints.push(format!("{name} depends on {found}: libraries for users need no Unix"));
        }
        for source in &library.sources {
            for (at, line) in source.lines.iter().enumerate().filter(|(_, line)| !line.is_test) {
                if let Some(found) = unix(&line.text) {
                    complaints.push(format!(
                        "{name}: {}:{}: `{found}`: libraries for users need no Unix",
                        source.path,
                        at + 1
                    ));
                }
            }
        }
    }
    complaints
}

/// A word of `line` that only Unix knows. Comments may speak of it.
fn unix(line: &str) -> Option<&'static str> {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    let is_cfg = code.contains("cfg");
    let mut signs =
        vec!["os::unix", "os::linux", "signal::unix", "net::Unix", "\"/proc", "\"/dev/", "\"/tmp"];
    if is_cfg {
        signs.extend(["(unix", " unix", "\"unix\"", "target_os"]);
    }
    signs.into_iter().find(|sign| code.contains(sign))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::tidy::sources::sources;

    fn said(name: &str, dependency: &str, text: &str) -> String {
        let library = Library {
            name: name.to_owned(),
            sources: sources(vec![(PathBuf::from("src/a.rs"), text.to_owned())]),
            tests: Vec::new(),
            dependencies: vec![dependency.to_owned()],
        };
        check(&[library]).join("; ")
    }

    #[test]
    fn each_need_of_unix_is_named() {
        for line in [
            "#[cfg(unix)]",
            "#[cfg(any(windows, unix))]",
            "#[cfg(all(unix, test))]",
            "if cfg!(unix) {",
            "#[cfg(target_family = \"unix\")]",
            "#[cfg(target_os = \"linux\")]",
            "use std::os::unix::fs::PermissionsExt;",
            "use tokio::signal::unix::signal;",
            "fs::read(\"/proc/self/stat\")",
        ] {
            assert!(said("aether-x", "serde", line).contains("src/a.rs:1"), "{line}");
            assert_eq!(said("aether-nats-server", "nix", line), "", "{line}");
        }
        assert!(said("aether-x", "nix", "").contains("depends on nix"));
    }

    #[test]
    fn other_code_and_tests_are_let_be() {
        for text in ["let process = 1; // as unix does", "//! Not for cfg(unix).", "let unix_seconds = 1;"] {
            assert_eq!(said("aether-x", "serde", text), "", "{text}");
        }
        assert_eq!(said("aether-x", "serde", "#[cfg(test)]\nmod tests {\n    use std::os::unix;\n}\n"), "");
    }
}
