//! The connections between the nodes of a cluster, each through a proxy where nodes are to be cut off.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::builder::Place;
use super::error::ServerError;
use super::ports;
use super::proxy::Proxy;

/// Who reaches whom, and where.
#[derive(Debug)]
pub(super) struct Routes {
    /// Where each node takes connections from the others.
    addrs: Vec<SocketAddr>,
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
    pub(super) fn new(places: &[Place], isolatable: bool) -> Result<Self, ServerError> {
        let addrs = places.iter().map(|place| Ok(SocketAddr::from((place.ip, ports::free_port()?))));
        let addrs = addrs.collect::<Result<Vec<_>, ServerError>>()?;
        let mut links = Vec::new();
        if isolatable {
            for from in 0..places.len() {
                for (to, addr) in addrs.iter().enumerate().filter(|(to, _)| *to != from) {
                    let proxy = Proxy::raw(*addr)?;
                    links.push(Link { from, to, proxy });
                }
            }
        }
        Ok(Self { addrs, links })
    }

    /// The part of node `i`'s configuration that is about its peers.
    pub(super) fn config(&self, i: usize) -> String {
        let mut text = String::from("cluster {\n name: aether\n no_advertise: true\n");
        // Writing to a string cannot fail.
        let _ = writeln!(text, " listen: \"{}\"", self.addrs[i]);
        if !self.links.is_empty() {
            // Nodes tell each other how to reach a third one, past the proxies. Nobody listens here.
            text.push_str(" advertise: \"127.0.0.1:1\"\n");
        }
        text.push_str(" routes: [\n");
        for to in (0..self.addrs.len()).filter(|to| *to != i) {
            let link = self.links.iter().find(|link| link.from == i && link.to == to);
            let addr = link.map_or(self.addrs[to], |link| link.proxy.addr());
            let _ = writeln!(text, "  \"nats-route://{addr}\"");
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
