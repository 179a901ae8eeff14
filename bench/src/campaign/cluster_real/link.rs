//! [`Link`]: a network namespace, and the cable by which it is plugged into a switch.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use tokio::task::block_in_place;

use super::namespace::{Namespace, ip};

/// What is inside reaches whoever is at the switch, and what listens on 127.0.0.1 of this machine. While it is unplugged
/// both ends are up and have their routes, and what they send is gone. So it is the kernel's own TCP that has to cope,
/// with retransmissions and with connections that one end has given up and the other has not.
#[derive(Debug)]
pub(crate) struct Link {
    inside: Namespace,
    switch: Arc<Namespace>,
    /// Of the cable's end at the switch.
    name: &'static str,
    /// Of what is inside.
    pub(crate) address: Ipv4Addr,
}

impl Link {
    /// Plugs a new namespace in. `outer` is this machine's address at the switch.
    pub(super) fn plug(
        switch: &Arc<Namespace>,
        name: &'static str,
        address: Ipv4Addr,
        outer: Ipv4Addr,
    ) -> anyhow::Result<Self> {
        let link = Self { inside: Namespace::new()?, switch: Arc::clone(switch), name, address };
        link.inside.within(|| {
            ip(&format!("link add wire type veth peer name {name} netns {}", switch.path()))?;
            ip(&format!("address add {address}/29 dev wire"))?;
            ip("link set wire up")?;
            // The loopback interface is down in here, so this address is not this namespace's own.
            ip(&format!("route add 127.0.0.1/32 via {outer}"))?;
            route_local("wire")
        })?;
        switch.ip(&format!("link set {name} up"))?;
        link.restore()?;
        Ok(link)
    }

    /// Does something inside: what is started there, stays there.
    pub(crate) fn within<T: Send>(
        &self,
        act: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        block_in_place(|| self.inside.within(act))
    }

    /// A command that runs inside what is written behind it.
    pub(crate) fn command(&self) -> [String; 2] {
        ["nsenter".to_owned(), format!("--net={}", self.inside.path())]
    }

    /// From now on every packet is lost, and nobody is told.
    pub(crate) fn cut(&self) -> anyhow::Result<()> {
        block_in_place(|| self.switch.ip(&format!("link set {} nomaster", self.name)))
    }

    /// Lets packets through again.
    pub(crate) fn restore(&self) -> anyhow::Result<()> {
        block_in_place(|| self.switch.ip(&format!("link set {} master switch", self.name)))
    }

    /// How many segments TCP has sent again from inside.
    pub(crate) fn sent_again(&self) -> anyhow::Result<u64> {
        let counts = self.within(|| Ok(fs::read_to_string("/proc/thread-self/net/snmp")?))?;
        let mut lines = counts.lines().filter(|line| line.starts_with("Tcp:"));
        let (names, values) = lines.next().zip(lines.next()).context("no counts of TCP")?;
        let mut columns = names.split_whitespace().zip(values.split_whitespace());
        let (_, value) = columns.find(|(name, _)| *name == "RetransSegs").context("no RetransSegs")?;
        Ok(value.parse()?)
    }
}

/// Lets packets from and to 127.0.0.1 pass through this interface.
pub(super) fn route_local(interface: &str) -> anyhow::Result<()> {
    let setting = format!("/proc/sys/net/ipv4/conf/{interface}/route_localnet");
    fs::write(&setting, "1").with_context(|| setting)
}
