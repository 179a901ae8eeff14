//! Servers that a whole test run shares, and names that keep its tests apart.

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::cluster::NatsCluster;
use super::error::ServerError;
use super::node::NatsServer;

/// The environment variable that holds the URL of a single server which runs already.
pub const ENV_R1: &str = "AETHER_NATS_R1";
/// The environment variable that holds the URLs, separated by commas, of a cluster of three which runs already.
pub const ENV_R3: &str = "AETHER_NATS_R3";

type Shared<T> = OnceLock<Result<T, Arc<ServerError>>>;

/// The URL of a single server for tests that do not harm it: the one of `AETHER_NATS_R1`, else one that is started once
/// per process and ends with it.
///
/// # Errors
///
/// When the server cannot be started.
pub fn shared_r1() -> Result<String, ServerError> {
    static SERVER: Shared<NatsServer> = OnceLock::new();
    if let Some(url) = from_env(ENV_R1) {
        return Ok(url);
    }
    let server = SERVER.get_or_init(|| NatsServer::builder().start().map_err(Arc::new));
    server.as_ref().map(NatsServer::url).map_err(|error| ServerError::Shared(Arc::clone(error)))
}

/// The URLs of a cluster of three, for tests that do not harm it: those of `AETHER_NATS_R3`, else of one that is started
/// once per process and ends with it.
///
/// # Errors
///
/// When the cluster cannot be started.
pub fn shared_r3() -> Result<Vec<String>, ServerError> {
    static CLUSTER: Shared<NatsCluster> = OnceLock::new();
    if let Some(urls) = from_env(ENV_R3) {
        return Ok(urls.split(',').map(str::to_owned).collect());
    }
    let cluster = CLUSTER.get_or_init(|| NatsCluster::start().map_err(Arc::new));
    cluster.as_ref().map(NatsCluster::urls).map_err(|error| ServerError::Shared(Arc::clone(error)))
}

/// A name that nobody else uses, in this process or another: `<prefix>-<process>-<count>-<random>`, of letters, digits
/// and dashes as far as the prefix is.
pub fn unique_name(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one(count) & 0xffff_ffff;
    format!("{prefix}-{}-{count}-{random:08x}", std::process::id())
}

fn from_env(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
