//! [`Processes`]: the nodes, as processes of the system.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

/// How long a node may take to end in order: longer than it takes to leave.
const END_WITHIN: Duration = Duration::from_secs(40);

/// The nodes that run. They end with this.
#[derive(Debug)]
pub(crate) struct Processes {
    url: String,
    logs: PathBuf,
    running: BTreeMap<String, Process>,
}

/// A process that does not outlive this.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Processes {
    /// None yet. They will use this server, and write what they have to say to files in this directory.
    pub(crate) fn new(url: String, logs: &Path) -> Self {
        Self { url, logs: logs.to_owned(), running: BTreeMap::new() }
    }

    /// The names of those that run.
    pub(crate) fn names(&self) -> Vec<String> {
        self.running.keys().cloned().collect()
    }

    /// Starts a node.
    pub(crate) fn start(&mut self, name: &str) -> Result<()> {
        let log = self.logs.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["node", "--name", name, "--url", &self.url])
            // A pipe that nothing is ever written to: the node ends when it is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("node {name} cannot be started"))?;
        self.running.insert(name.to_owned(), Process(child));
        Ok(())
    }

    /// Kills a node (`kill -9`): it cannot say goodbye.
    pub(crate) fn kill(&mut self, name: &str) -> Result<()> {
        let process = self.running.remove(name);
        drop(process.with_context(|| format!("node {name} does not run"))?);
        Ok(())
    }

    /// Tells a node to go (SIGTERM), and waits until it has left.
    pub(crate) async fn stop(&mut self, name: &str) -> Result<()> {
        let mut process = self.running.remove(name).with_context(|| format!("node {name} does not run"))?;
        let pid = i32::try_from(process.0.id())?;
        kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        let give_up = Instant::now() + END_WITHIN;
        loop {
            if let Some(status) = process.0.try_wait()? {
                ensure!(status.success(), "node {name} has not left in order ({status})");
                return Ok(());
            }
            ensure!(Instant::now() < give_up, "node {name} has not left within {END_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fails if a node has ended that should run.
    pub(crate) fn check(&mut self) -> Result<()> {
        for (name, process) in &mut self.running {
            if let Some(status) = process.0.try_wait()? {
                bail!("node {name} has ended by itself ({status})");
            }
        }
        Ok(())
    }
}
