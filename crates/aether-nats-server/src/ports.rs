//! Free ports, the ports file in which a server says what it listens on, and the routes between the nodes of a cluster.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::fs;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use serde_json::Value;

use super::builder::Place;
use super::error::ServerError;
use super::ports;
use super::proxy::Proxy;

/// Below this the system's own services live.
const LOWEST: u16 = 10_240;

/// A port that nobody listens on, below the range from which the system takes the ports of outgoing connections.
///
/// That matters: a server that is down does not hold its port. From that range the system could give the port to
/// somebody else meanwhile, or even to a client that keeps reconnecting to it, which then speaks to itself.
pub(super) fn free_port() -> Result<u16, ServerError> {
    let span = u64::from(first_ephemeral_port().saturating_sub(LOWEST).max(1_000));
    let mut last = std::io::Error::other("no port tried");
    for attempt in 0..1_000_u32 {
        let random = RandomState::new().hash_one(attempt);
        let port = LOWEST + u16::try_from(random % span).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(ServerError::Io { action: "find a free port".to_owned(), source: last })
}

fn first_ephemeral_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
    range.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(32_768)
}

/// The monitoring port out of the ports file of process `pid`, once the file is there and complete. The server writes it
/// when all its listeners are open.
pub(super) fn monitoring_port(dir: &Path, pid: i32) -> Option<u16> {
    let suffix = format!("_{pid}.ports");
    let file =
        fs::read_dir(dir).ok()?.flatten().find(|f| f.file_name().to_string_lossy().ends_with(&suffix))?;
    let ports: Value = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
    let url = ports.get("monitoring")?.get(0)?.as_str()?;
    url.rsplit(':').next()?.trim_end_matches('/').parse().ok()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_outside_the_range_of_outgoing_connections() {
        for _ in 0..50 {
            let port = free_port().expect("a free port");
            assert!(port >= LOWEST && port < first_ephemeral_port().max(LOWEST + 1_000), "{port}");
        }
    }

    #[test]
    fn an_incomplete_ports_file_is_not_read() {
        let dir = crate::process::fresh_dir("ports-test").expect("a directory");
        let file = dir.join("nats-server_42.ports");
        assert_eq!(monitoring_port(&dir, 42), None);
        fs::write(&file, r#"{"nats":["nats://127.0.0.1:1"],"monitoring":["http://127.0.0.1:80"#)
            .expect("written");
        assert_eq!(monitoring_port(&dir, 42), None);
        fs::write(&file, r#"{"nats":["nats://127.0.0.1:1"],"monitoring":["http://127.0.0.1:8022"]}"#)
            .expect("written");
        assert_eq!(monitoring_port(&dir, 42), Some(8022));
        assert_eq!(monitoring_port(&dir, 2), None, "another process's file");
        fs::remove_dir_all(&dir).expect("removed");
    }
}
