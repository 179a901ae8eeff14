//! The connections between the nodes of a cluster, each through a proxy where nodes are to be cut off.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use super::error::ServerError;
use super::ports;
use super::proxy::Proxy;

/// Who reaches whom, and where.
#[derive(Debug)]
pub(super) struct Routes {
    /// The cluster port of each node.
    ports: Vec<u16>,
    /// For each ordered pair of nodes the proxy through which the first dials the second; empty without isolation.
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    from: usize,
    to: usize,
    proxy: Proxy,
}

impl Routes {
    pub(super) fn new(nodes: usize, isolatable: bool) -> Result<Self, ServerError> {
        let ports = (0..nodes).map(|_| ports::free_port()).collect::<Result<Vec<_>, _>>()?;
        let mut links = Vec::new();
        if isolatable {
            for from in 0..nodes {
                for (to, port) in ports.iter().enumerate().filter(|(to, _)| *to != from) {
                    let proxy = Proxy::raw(SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))?;
                    links.push(Link { from, to, proxy });
                }
            }
        }
        Ok(Self { ports, links })
    }

    /// The part of node `i`'s configuration that is about its peers.
    pub(super) fn config(&self, i: usize) -> String {
        let mut text = String::from("cluster {\n name: aether\n no_advertise: true\n");
        // Writing to a string cannot fail.
        let _ = writeln!(text, " listen: \"127.0.0.1:{}\"", self.ports[i]);
        if !self.links.is_empty() {
            // Nodes tell each other how to reach a third one, past the proxies. Nobody listens here.
            text.push_str(" advertise: \"127.0.0.1:1\"\n");
        }
        text.push_str(" routes: [\n");
        for to in (0..self.ports.len()).filter(|to| *to != i) {
            let link = self.links.iter().find(|link| link.from == i && link.to == to);
            let port = link.map_or(self.ports[to], |link| link.proxy.addr().port());
            let _ = writeln!(text, "  \"nats-route://127.0.0.1:{port}\"");
        }
        text.push_str(" ]\n}\n");
        text
    }

    /// Does something to every link from or to node `i`.
    pub(super) fn each(&self, i: usize, act: impl Fn(&Proxy)) -> Result<(), ServerError> {
        if self.links.is_empty() {
            return Err(ServerError::NotIsolatable);
        }
        self.links.iter().filter(|link| link.from == i || link.to == i).for_each(|link| act(&link.proxy));
        Ok(())
    }
}
