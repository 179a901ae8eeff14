//! What each fault does, and when it is over.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;

use super::fault::{Fault, Struck};
use super::network::Network;
use super::node::SUSPECT_AFTER;
use super::progress;
use super::stage::{NODE_APART, SERVER_APART, Stage};
use crate::lists::hammer::Hammer;

/// How much must be answered while something is wrong with the servers.
const PROGRESS: u64 = 100;

impl Stage {
    /// Does it, undoes it, and waits until nothing is left of it.
    pub(crate) async fn strike(
        &mut self,
        fault: Fault,
        hammer: &Hammer,
        random: &mut fastrand::Rng,
    ) -> anyhow::Result<Struck> {
        let at = Instant::now();
        let owned = match fault {
            Fault::NodeKilled => {
                let node = self.any_process(random);
                Some(self.kill(node, at).await?)
            }
            Fault::LeaderLost => match self.leader().filter(|place| self.places[*place].process.is_some()) {
                Some(node) => Some(self.kill(node, at).await?),
                // It is the one in this process, or there is none.
                None => Some(self.cut(self.places.len() - 1, at, random).await?),
            },
            Fault::NodeFrozen => Some(self.freeze(at, random).await?),
            Fault::NodeCut => {
                let node = self.any_behind_proxies(random);
                Some(self.cut(node, at, random).await?)
            }
            Fault::NodeDelayed => {
                let place = &self.places[self.any_behind_proxies(random)];
                place.delay(Duration::from_millis(random.u64(20..200)));
                tokio::time::sleep(Duration::from_millis(random.u64(1000..2500))).await;
                place.delay(Duration::ZERO);
                None
            }
            Fault::NodeLeaves => {
                let node = self.any_process(random);
                let process = self.places[node].process()?;
                process.stop(super::stage::PATIENCE).await?;
                let owned = at.elapsed();
                self.start(node).await?;
                Some(owned)
            }
            Fault::ServerKilled => {
                let server = random.usize(..3);
                block_in_place(|| self.servers.kill(server))?;
                progress(hammer, PROGRESS).await?;
                block_in_place(|| self.servers.restart(server))?;
                None
            }
            Fault::ServerPaused => {
                let server = random.usize(..3);
                block_in_place(|| self.servers.pause(server))?;
                progress(hammer, PROGRESS).await?;
                block_in_place(|| self.servers.resume(server))?;
                None
            }
            Fault::LeaderIsolated | Fault::LeaderSilent => {
                let server = self.log_leader().await?;
                let silently = fault == Fault::LeaderSilent;
                block_in_place(|| match silently {
                    true => self.servers.isolate_silently(server),
                    false => self.servers.isolate(server),
                })?;
                tokio::time::sleep(Duration::from_millis(random.u64(1500..5000))).await;
                block_in_place(|| self.servers.heal(server))?;
                None
            }
            Fault::NodePartitioned => Some(self.partition_node(at, random).await?),
            Fault::ServerPartitioned => {
                self.partition_server(hammer, random).await?;
                None
            }
        };
        if fault.is_of_servers() {
            self.servers_whole().await?;
        }
        self.settled().await?;
        Ok(Struck { fault, at, over: Instant::now(), owned })
    }

    async fn kill(&mut self, node: usize, at: Instant) -> anyhow::Result<Duration> {
        self.places[node].process()?.kill().await?;
        self.taken_over(node).await?;
        let owned = at.elapsed();
        self.start(node).await?;
        Ok(owned)
    }

    async fn freeze(&mut self, at: Instant, random: &mut fastrand::Rng) -> anyhow::Result<Duration> {
        let node = self.any_process(random);
        let process = self.places[node].process()?;
        process.freeze()?;
        let taken_over = self.taken_over(node).await;
        let owned = at.elapsed();
        tokio::time::sleep(Duration::from_millis(random.u64(..1000))).await;
        process.thaw()?;
        self.places[node].process = Some(process);
        taken_over.map(|()| owned)
    }

    /// Loses all packets from and to the node that has a network of its own, until others have its shards and for some
    /// time more: TCP waits longer and longer before it sends again.
    async fn partition_node(&self, at: Instant, random: &mut fastrand::Rng) -> anyhow::Result<Duration> {
        let Ok(Network { node, .. }) = &self.network else { anyhow::bail!("no node has its own network") };
        node.cut()?;
        let taken_over = self.taken_over(NODE_APART).await;
        let owned = at.elapsed();
        tokio::time::sleep(Duration::from_millis(random.u64(..4000))).await;
        node.restore()?;
        taken_over.map(|()| owned)
    }

    /// Loses all packets from and to the server that has a network of its own, for longer than a suspicion.
    async fn partition_server(&self, hammer: &Hammer, random: &mut fastrand::Rng) -> anyhow::Result<()> {
        let Ok(Network { server, .. }) = &self.network else {
            anyhow::bail!("no server has its own network")
        };
        server.cut()?;
        tokio::time::sleep(SUSPECT_AFTER.mul_f64(1.0 + 2.0 * random.f64())).await;
        let answer = block_in_place(|| self.servers.node(SERVER_APART).monitor("/varz"));
        let went_on = progress(hammer, PROGRESS).await;
        server.restore()?;
        anyhow::ensure!(answer.is_none(), "the server was reached although its network lost all packets");
        went_on
    }

    /// Cuts a node off until it is not trusted any more, at times not so long.
    async fn cut(&self, node: usize, at: Instant, random: &mut fastrand::Rng) -> anyhow::Result<Duration> {
        let place = &self.places[node];
        place.cut(random.bool());
        let long = SUSPECT_AFTER.mul_f64(0.5 + 1.5 * random.f64());
        tokio::time::sleep(long).await;
        place.restore();
        self.settled().await?;
        Ok(at.elapsed())
    }
}
