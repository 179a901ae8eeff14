//! What kind of server to start.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::binary::NatsBinary;
use super::cluster::NatsCluster;
use super::error::ServerError;
use super::node::NatsServer;

/// How long a server may take to start, by default. Generous: a test machine may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How servers are to be started; made by [`NatsServer::builder`].
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    version: Option<String>,
    config_extra: String,
    max_payload: Option<usize>,
    sync_always: bool,
    jetstream: bool,
    domain: Option<String>,
    pub(super) isolatable: bool,
    places: HashMap<usize, Place>,
    pub(super) start_timeout: Duration,
}

/// Where a server runs.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// What it listens on.
    pub(super) ip: Ipv4Addr,
    /// What starts it: a command in front of its own.
    pub(super) command: Vec<String>,
}

impl Default for Place {
    fn default() -> Self {
        Self { ip: Ipv4Addr::LOCALHOST, command: Vec::new() }
    }
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            version: None,
            config_extra: String::new(),
            max_payload: None,
            sync_always: false,
            jetstream: true,
            domain: None,
            isolatable: false,
            places: HashMap::new(),
            start_timeout: START_TIMEOUT,
        }
    }
}

impl ServerBuilder {
    /// Exactly this version, as in `2.11.11`; by default the one of [`NatsBinary::find`].
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Text to put into the server's configuration file, in its own syntax: users, accounts, TLS, limits.
    /// Several calls add up. Listening, cluster and JetStream's directory are the harness's.
    #[must_use]
    pub fn config_extra(mut self, text: impl AsRef<str>) -> Self {
        self.config_extra.push_str(text.as_ref());
        self.config_extra.push('\n');
        self
    }

    /// The largest message, in bytes; by default the server's 1 MiB.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = Some(bytes);
        self
    }

    /// Whether JetStream syncs every write to disk before it acknowledges; by default every two minutes.
    #[must_use]
    pub fn sync_always(mut self, always: bool) -> Self {
        self.sync_always = always;
        self
    }

    /// Whether JetStream is there at all; by default yes.
    #[must_use]
    pub fn jetstream(mut self, enabled: bool) -> Self {
        self.jetstream = enabled;
        self
    }

    /// The JetStream domain, which is part of the server's name as well; by default none. For a hub and its leaf nodes.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Whether the nodes of a cluster speak through proxies, so that [`NatsCluster::isolate`] works. Costs throughput;
    /// by default no.
    #[must_use]
    pub fn isolatable(mut self, isolatable: bool) -> Self {
        self.isolatable = isolatable;
        self
    }

    /// Starts node `i` of a cluster by `command`, with the server's own command behind it, and has it listen on `ip`; by
    /// default by nothing, on 127.0.0.1. For a node in a network of its own: `nsenter --net=FILE`. The command must become
    /// the server in the same process; this process and the other nodes must reach the address, and it them.
    #[must_use]
    pub fn node_at(
        mut self,
        i: usize,
        ip: Ipv4Addr,
        command: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        self.places.insert(i, Place { ip, command });
        self
    }

    /// How long to wait until a server, or the whole cluster, is ready; by default 60 s.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// Starts one server and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When no such server can be found, when it does not start (with the end of its log), or not in time.
    pub fn start(&self) -> Result<NatsServer, ServerError> {
        NatsServer::standalone(self)
    }

    /// Starts a cluster of three and waits until it is ready.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_cluster(&self) -> Result<NatsCluster, ServerError> {
        NatsCluster::from_builder(self)
    }

    pub(super) fn place_of(&self, i: usize) -> Place {
        self.places.get(&i).cloned().unwrap_or_default()
    }

    pub(super) fn has_jetstream(&self) -> bool {
        self.jetstream
    }

    pub(super) fn binary(&self) -> Result<NatsBinary, ServerError> {
        match &self.version {
            Some(version) => NatsBinary::find_version(version),
            None => NatsBinary::find(),
        }
    }

    /// The configuration file. `cluster` is the part about routes.
    pub(super) fn config(&self, name: &str, addr: SocketAddr, dir: &Path, cluster: &str) -> String {
        let ip = addr.ip();
        let (of_domain, domain) = match &self.domain {
            Some(domain) => (format!("-{domain}"), format!("domain: \"{domain}\"")),
            None => (String::new(), String::new()),
        };
        let mut text = format!("server_name: \"{name}{of_domain}\"\nlisten: \"{addr}\"\nhttp: \"{ip}:-1\"\n");
        // Writing to a string cannot fail.
        if let Some(bytes) = self.max_payload {
            let _ = writeln!(text, "max_payload: {bytes}");
        }
        if self.jetstream {
            let sync = if self.sync_always { "sync_interval: always" } else { "" };
            let _ = writeln!(text, "jetstream {{ store_dir: \"{}\"\n {sync}\n {domain} }}", dir.join("store").display());
        }
        text.push_str(cluster);
        text.push_str(&self.config_extra);
        text
    }
}
