//! [`Script`]: what happens to the cluster.

use std::path::Path;
use std::time::Duration;

use aether::cluster::{ClusterClient, ClusterManager, ClusterStatus, MemberState};
use aether_nats_server::NatsServer;
use anyhow::{Context, Result, bail};
use tokio::time::Instant;

use crate::load::Load;
use crate::processes::Processes;
use crate::proof::Proof;
use crate::screen::Screen;
use crate::tally::Tally;
use crate::world;

/// How long the cluster may take to come to rest after something has happened.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What happens, and how much of it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) accounts: u64,
    pub(crate) customers: u64,
    /// How long everything is left alone between two things that happen.
    pub(crate) pause: Duration,
}

/// Everything that is on the stage.
struct Stage {
    processes: Processes,
    /// A member without shards, in this process: it sees what all others see.
    watcher: ClusterManager,
    tally: Tally,
    screen: Screen,
}

impl Script {
    /// Plays it from beginning to end.
    pub(crate) async fn play(&self, logs: &Path) -> Result<Proof> {
        let tally = Tally::default();
        let screen = Screen::new(tally.clone());
        screen.begin("start a nats-server, and three nodes: a, b and c");
        let server = tokio::task::spawn_blocking(|| NatsServer::builder().start()).await??;
        let url = server.url();
        let mut processes = Processes::new(url.clone(), logs);
        for name in ["a", "b", "c"] {
            processes.start(name)?;
        }
        let client = client(&url, &mut processes).await?;
        screen.begin(format!("open {} accounts", self.accounts));
        let mut load = Load::open(&client, self.accounts, tally.clone()).await?;

        let watcher = world::member(&url, "watcher").await?;
        let watcher = watcher.member(|member| member.weight = 0).start().await?;
        screen.watch(watcher.clone());
        let mut stage = Stage { processes, watcher, tally, screen };
        stage.settled().await?;
        stage.screen.begin(format!("let {} customers move money between them", self.customers));
        load.start(self.customers);
        tokio::time::sleep(self.pause).await;

        let killed = stage.kill().await?;
        tokio::time::sleep(self.pause).await;
        stage.grow(&killed).await?;
        tokio::time::sleep(self.pause).await;
        stage.restart_all().await?;
        tokio::time::sleep(self.pause).await;

        stage.screen.begin("no more transfers: wait for all answers");
        load.stop().await?;
        stage.settled().await?;
        stage.screen.begin("read the log, and ask all accounts");
        let proof = Proof::of(&load, stage.tally.all(), &world::store(&url).await?).await?;
        stage.screen.end();
        stage.watcher.leave(Duration::from_secs(5)).await?;
        Ok(proof)
    }
}

impl Stage {
    /// Kills a node, the leader if it is one, and waits until others have taken over. Which one.
    async fn kill(&mut self) -> Result<String> {
        let names = self.processes.names();
        let leader = self.watcher.leader().map(|(_, node)| node.id.to_string());
        let (victim, which) = match leader.filter(|leader| names.contains(leader)) {
            Some(leader) => (leader, ", the leader"),
            None => ("b".to_owned(), ""),
        };
        let has = shards_of(&self.watcher.status(), &victim);
        self.begin(format!("kill -9 of {victim}{which}; the others only notice its silence"));
        self.processes.kill(&victim)?;
        let took = self.settled().await?;
        self.result(&format!("after {} others have its {has} shards", seconds(took)));
        Ok(victim)
    }

    /// Starts the node that was killed, and two more.
    async fn grow(&mut self, killed: &str) -> Result<()> {
        self.begin(format!("start {killed} again, and d and e as well"));
        for name in [killed, "d", "e"] {
            self.processes.start(name)?;
        }
        let took = self.settled().await?;
        self.result(&format!("after {} all five have their share", seconds(took)));
        Ok(())
    }

    /// Restarts all nodes, one by one and in order, as when a new version is brought out.
    async fn restart_all(&mut self) -> Result<()> {
        for name in self.processes.names() {
            self.begin(format!("restart {name}, in order (SIGTERM)"));
            let began = Instant::now();
            self.processes.stop(&name).await?;
            let left = began.elapsed();
            self.processes.start(&name)?;
            let took = left + self.settled().await?;
            self.result(&format!("left within {}, back after {}", seconds(left), seconds(took)));
        }
        Ok(())
    }

    fn begin(&self, what: String) {
        // What was slow before does not count.
        let _ = self.tally.take_slowest();
        self.screen.begin(what);
    }

    fn result(&self, what: &str) {
        let slowest = seconds(self.tally.take_slowest());
        self.screen.result(&format!("{what}; the slowest answer took {slowest}"));
    }

    /// Waits until all nodes that run, and no others, have all shards among them, and none moves; how long that took. All
    /// that was asked until then is answered.
    async fn settled(&mut self) -> Result<Duration> {
        let began = Instant::now();
        let names = self.processes.names();
        while !is_settled(&self.watcher.status(), &names) {
            self.processes.check()?;
            if began.elapsed() > SETTLE_WITHIN {
                bail!("within {SETTLE_WITHIN:?} the cluster has not settled:\n{}", self.watcher.status());
            }
            tokio::time::sleep(LOOK).await;
        }
        let settled = Instant::now();
        while self.tally.figures().longest > settled.elapsed() {
            self.processes.check()?;
            if settled.elapsed() > SETTLE_WITHIN {
                let failure =
                    self.tally.all().last_failure.unwrap_or_else(|| "there was no failure".to_owned());
                bail!("within {SETTLE_WITHIN:?} not all is answered ({failure})");
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(settled - began)
    }
}

/// A client of the cluster, as soon as there is one.
async fn client(url: &str, processes: &mut Processes) -> Result<ClusterClient> {
    let began = Instant::now();
    loop {
        processes.check()?;
        match ClusterClient::connect(world::connect(url).await?, None, world::CLUSTER).await {
            Ok(client) => return Ok(client),
            Err(error) if began.elapsed() > SETTLE_WITHIN => {
                return Err(error).context("there is no cluster");
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

fn is_settled(status: &ClusterStatus, names: &[String]) -> bool {
    let others = || status.members.iter().filter(|member| member.member.node != status.node);
    let here = |name: &String| others().any(|member| member.member.id().as_str() == name);
    status.is_ready()
        && status.shards.moving == 0
        && others().count() == names.len()
        && others().all(|member| member.state == MemberState::Up && member.shards > 0)
        && names.iter().all(here)
}

fn shards_of(status: &ClusterStatus, name: &str) -> usize {
    let mut members = status.members.iter();
    members.find(|member| member.member.id().as_str() == name).map_or(0, |member| member.shards)
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
