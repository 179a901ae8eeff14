//! The followers, as processes: started, killed, frozen, and listened to.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use super::said::{Handled, Said};

/// What all followers have said so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) handled: Vec<Handled>,
    /// Refused checkpoints, by follower: each one's last word.
    refused: Vec<u64>,
}

impl Heard {
    /// The refused checkpoints of all of them.
    pub(crate) fn refused_checkpoints(&self) -> u64 {
        self.refused.iter().sum()
    }
}

/// How the followers are started.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) urls: Vec<String>,
    pub(crate) namespace: String,
}

/// One process.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) name: String,
    child: Child,
    // Closed when the follower is to stop.
    stdin: Option<ChildStdin>,
    listener: JoinHandle<anyhow::Result<()>>,
}

impl Follower {
    /// Starts it, and waits until it has joined.
    pub(crate) async fn start(
        name: String,
        setting: &Setting,
        heard: &Arc<Mutex<Heard>>,
    ) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["follower", "--urls", &setting.urls.join(",")])
            .args(["--namespace", &setting.namespace, "--name", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().context("no output of the follower")?).lines();
        let first = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
        let first = first.with_context(|| format!("{name} does not join"))??;
        let first = first.with_context(|| format!("{name} ended before it had joined"))?;
        anyhow::ensure!(serde_json::from_str::<Said>(&first)? == Said::Joined, "{name} said {first}");
        let slot = {
            let mut heard = heard.lock().unwrap();
            heard.refused.push(0);
            heard.refused.len() - 1
        };
        let heard = Arc::clone(heard);
        let listener = tokio::spawn(async move {
            while let Some(line) = lines.next_line().await? {
                // The last line of a killed process may be a part of one.
                let Ok(said) = serde_json::from_str(&line) else { continue };
                let mut heard = heard.lock().unwrap();
                match said {
                    Said::Joined => {}
                    Said::Handled(handled) => heard.handled.push(handled),
                    Said::Counted { refused_checkpoints } => heard.refused[slot] = refused_checkpoints,
                }
            }
            Ok(())
        });
        Ok(Self { name, child, stdin, listener })
    }

    /// Kills it (-9), and hears what it had said.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.listener.await?
    }

    /// Freezes it.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
    }

    /// Lets it leave, and hears its last word.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stdin.take();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let status = ended.with_context(|| format!("{} does not stop", self.name))??;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        self.listener.await?
    }
}
