//! Finding the nats-server binary.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ServerError;
use super::fetch;

/// Path of a nats-server to use instead of the pinned one.
const ENV_SERVER: &str = "AETHER_NATS_SERVER";
/// Version of the servers that name none themselves.
const ENV_VERSION: &str = "AETHER_NATS_VERSION";

/// A nats-server that is on this machine and runs.
#[derive(Debug, Clone)]
pub struct NatsBinary {
    path: PathBuf,
    version: String,
}

/// The version that a server has when nobody names one: `AETHER_NATS_VERSION`, else [`PINNED`](super::PINNED).
pub fn default_version() -> String {
    requested_version().unwrap_or_else(|| fetch::PINNED.to_owned())
}

fn requested_version() -> Option<String> {
    env::var(ENV_VERSION).ok().filter(|v| !v.is_empty())
}

impl NatsBinary {
    /// The server that tests use by default.
    ///
    /// `AETHER_NATS_SERVER` wins, whatever its version, unless `AETHER_NATS_VERSION` asks for another one.
    ///
    /// # Errors
    ///
    /// When `AETHER_NATS_SERVER` is not a server, or as [`find_version`](Self::find_version).
    pub fn find() -> Result<Self, ServerError> {
        match requested_version() {
            Some(version) => Self::find_version(&version),
            None => match from_env()? {
                Some(binary) => Ok(binary),
                None => Self::find_version(fetch::PINNED),
            },
        }
    }

    /// The server of exactly this version (`2.15.1`): the first of `AETHER_NATS_SERVER`, the PATH and the tools
    /// directory that has it; else it is fetched, if it is one of the [pinned versions](super::pinned_versions).
    ///
    /// # Errors
    ///
    /// When `AETHER_NATS_SERVER` is not a server, when the version is not here and not pinned, and when it cannot be
    /// fetched: no Python, no pip, no network, or a wrong hash.
    pub fn find_version(version: &str) -> Result<Self, ServerError> {
        if let Some(binary) = from_env()?.filter(|b| b.version == version) {
            return Ok(binary);
        }
        // What lies on the PATH may be anything; only the right version counts.
        if let Ok(binary) = Self::probe(Path::new("nats-server"))
            && binary.version == version
        {
            return Ok(binary);
        }
        let cached = fetch::fetch(version)?;
        let binary = Self::probe(&cached)?;
        if binary.version == version {
            Ok(binary)
        } else {
            let reason = format!("it says it is {}, expected {version}", binary.version);
            Err(ServerError::NotAServer { path: cached, reason })
        }
    }

    /// Where the binary is; a bare name when it was found on the PATH.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, as in `2.15.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn probe(path: &Path) -> Result<Self, ServerError> {
        let not_a_server = |reason: String| ServerError::NotAServer { path: path.to_owned(), reason };
        let output = Command::new(path).arg("--version").output().map_err(|e| not_a_server(e.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match parse_version(&text) {
            Some(version) => Ok(Self { path: path.to_owned(), version: version.to_owned() }),
            None => Err(not_a_server(format!("`--version` printed {:?}", text.trim()))),
        }
    }
}

fn from_env() -> Result<Option<NatsBinary>, ServerError> {
    match env::var_os(ENV_SERVER).filter(|path| !path.is_empty()) {
        Some(path) => NatsBinary::probe(Path::new(&path)).map(Some),
        None => Ok(None),
    }
}

/// `nats-server: v2.15.1` gives `2.15.1`.
fn parse_version(text: &str) -> Option<&str> {
    text.trim().strip_prefix("nats-server: v").filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_that_the_server_prints() {
        assert_eq!(parse_version("nats-server: v2.15.1\n"), Some("2.15.1"));
        assert_eq!(parse_version("nats-server: v2.11.0-RC.1\n"), Some("2.11.0-RC.1"));
        assert_eq!(parse_version("nats: 0.1.5"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn a_file_that_is_no_server_is_named() {
        let error = NatsBinary::probe(Path::new("/bin/echo")).expect_err("echo is no server");
        assert!(error.to_string().contains("/bin/echo"), "{error}");
        let error = NatsBinary::probe(Path::new("/nonexistent/nats-server")).expect_err("nothing there");
        assert!(matches!(error, ServerError::NotAServer { .. }), "{error}");
    }

    #[test]
    fn a_version_that_nobody_pinned_is_refused() {
        let error = NatsBinary::find_version("2.3.4").expect_err("not pinned");
        assert!(matches!(error, ServerError::NotPinned { .. }), "{error}");
        assert!(error.to_string().contains(fetch::PINNED), "{error}");
    }
}
