//! [`OwnServers`]: servers that a storage has for itself, to be cut off from and to be killed.

use std::sync::{Arc, Mutex};

use aether_core::Source;
use aether_nats_server::{NatsCluster, NatsServer, Proxy, ServerError};

use crate::servers::Servers;

/// Servers of a storage, each of whose clients reaches them through proxies of its own.
#[derive(Debug)]
pub(crate) struct OwnServers {
    nodes: Nodes,
    proxies: Mutex<Vec<Proxy>>,
}

#[derive(Debug)]
enum Nodes {
    One(NatsServer),
    Three(NatsCluster),
}

impl OwnServers {
    pub(crate) async fn start(servers: Servers) -> Result<Arc<Self>, Source> {
        let start = move || match servers {
            Servers::One => NatsServer::builder().start().map(Nodes::One),
            Servers::Three => NatsCluster::start().map(Nodes::Three),
        };
        let nodes = tokio::task::spawn_blocking(start).await??;
        Ok(Arc::new(Self { nodes, proxies: Mutex::default() }))
    }

    /// For one client: through new proxies to all servers.
    pub(crate) fn urls(&self) -> Result<Vec<String>, ServerError> {
        let servers = match &self.nodes {
            Nodes::One(server) => std::slice::from_ref(server),
            Nodes::Three(cluster) => cluster.nodes(),
        };
        let proxies: Vec<Proxy> =
            servers.iter().map(|server| Proxy::start(server.addr())).collect::<Result<_, _>>()?;
        let urls = proxies.iter().map(Proxy::url).collect();
        self.proxies.lock().unwrap().extend(proxies);
        Ok(urls)
    }

    /// Breaks the connections of all clients so far, and lets them make no others.
    pub(crate) fn cut_off(&self) {
        self.proxies.lock().unwrap().iter().for_each(Proxy::cut);
    }

    pub(crate) fn reconnect(&self) {
        self.proxies.lock().unwrap().iter().for_each(Proxy::restore);
    }

    /// Kills the server that leads this stream, and starts it again on the same data.
    pub(crate) async fn restart(self: &Arc<Self>, stream: String) -> Result<(), Source> {
        let own = self.clone();
        let restart = move || match &own.nodes {
            Nodes::One(server) => server.kill().and_then(|()| server.restart()),
            Nodes::Three(cluster) => {
                let leader = cluster.stream_leader(&stream).unwrap_or_default();
                cluster.kill(leader)?;
                cluster.restart(leader)?;
                cluster.wait_ready()
            }
        };
        Ok(tokio::task::spawn_blocking(restart).await??)
    }
}
