//! [`Network`]: a switch with this machine, a node and a server on it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{self, Command};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::link::{Link, route_local};
use super::namespace::{Namespace, ip};

/// The networks for measurements (RFC 2544), which nobody routes: eight addresses for each process that runs a campaign.
const ADDRESSES: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
const NETWORKS: u32 = 1 << 14;
/// How long a first connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Two network namespaces, and a third one in which the switch is. All of it ends with this process.
#[derive(Debug)]
pub(crate) struct Network {
    /// The name of this machine's end.
    here: String,
    pub(crate) node: Link,
    pub(crate) server: Link,
}

impl Network {
    /// Sets one up and tries it. Fails where the machine does not allow it, or has no `ip` and `nsenter`.
    pub(crate) fn set() -> anyhow::Result<Self> {
        let process = process::id();
        let here = format!("aether{process}");
        let first = u32::from(ADDRESSES) + 8 * (process % NETWORKS);
        let [outer, node, server] = [1, 2, 3].map(|host| Ipv4Addr::from(first + host));
        let switch = Arc::new(Namespace::new()?);
        switch.ip("link add switch type bridge")?;
        switch.ip("link set switch up")?;
        switch.ip(&format!("link add outer type veth peer name {here} netns {process}"))?;
        switch.ip("link set outer master switch up")?;
        ip(&format!("address add {outer}/29 dev {here}"))?;
        ip(&format!("link set {here} up"))?;
        // What is on the switch reaches what listens on 127.0.0.1 alone, as servers and proxies do.
        route_local(&here)?;
        let node = Link::plug(&switch, "node", node, outer)?;
        let server = Link::plug(&switch, "server", server, outer)?;
        try_out(&node)?;
        try_out(&server)?;
        Ok(Self { here, node, server })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is left of its connections would keep a namespace for a while. If this fails, it is gone already.
        let _ = ip(&format!("link delete {}", self.here));
    }
}

/// Connects both ways, and starts something inside.
fn try_out(link: &Link) -> anyhow::Result<()> {
    let here = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    link.within(|| connect(&here))?;
    let inside = link.within(|| Ok(TcpListener::bind((link.address, 0))?))?;
    connect(&inside)?;
    let [enter, network] = link.command();
    let entered = Command::new(&enter).args([&network, "true"]).output();
    let complaint = entered.with_context(|| enter.clone())?.stderr;
    anyhow::ensure!(complaint.is_empty(), "{enter}: {}", String::from_utf8_lossy(&complaint).trim());
    Ok(())
}

fn connect(listener: &TcpListener) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    TcpStream::connect_timeout(&address, CONNECT).with_context(|| format!("reaching {address}"))?;
    Ok(())
}
