//! The workers, as processes: started, told, listened to, killed.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::desk::Desk;
use super::said::{Said, Told};

/// How the workers are started.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) urls: Vec<String>,
    pub(crate) namespace: String,
    pub(crate) replicas: usize,
}

/// One process.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    /// Closed when the worker is to stop. Full: whoever tells it something waits.
    told: mpsc::Sender<Told>,
    writer: JoinHandle<()>,
    listener: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    /// Starts it, and waits until it is at work.
    pub(crate) async fn start(setting: &Setting, desk: &Arc<Desk>) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", "--urls", &setting.urls.join(","), "--namespace", &setting.namespace])
            .args(["--replicas", &setting.replicas.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("no input of the worker")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output of the worker")?).lines();
        let (told, mut to_tell) = mpsc::channel::<Told>(64);
        let writer = tokio::spawn(async move {
            while let Some(told) = to_tell.recv().await {
                let Ok(mut line) = serde_json::to_vec(&told) else { continue };
                line.push(b'\n');
                if stdin.write_all(&line).await.is_err() {
                    // It is dead; what it was told is sent again by whoever has no answer.
                    return;
                }
            }
        });
        let first = tokio::time::timeout(Duration::from_secs(90), async {
            loop {
                let line = lines.next_line().await?.context("a worker ended before it was at work")?;
                match serde_json::from_str(&line)? {
                    Said::Ready => return anyhow::Ok(()),
                    early => desk.heard(early),
                }
            }
        });
        first.await.context("a worker does not come to work")??;
        let desk = Arc::clone(desk);
        let listener = tokio::spawn(async move {
            while let Some(line) = lines.next_line().await? {
                // The last line of a killed process may be a part of one.
                if let Ok(said) = serde_json::from_str(&line) {
                    desk.heard(said);
                }
            }
            Ok(())
        });
        Ok(Self { child, told, writer, listener })
    }

    /// What it is told by.
    pub(crate) fn told(&self) -> mpsc::Sender<Told> {
        self.told.clone()
    }

    /// Kills it (-9), and hears what it had said.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.writer.abort();
        self.listener.await?
    }

    /// Waits until it has died by itself, and hears what it had said.
    pub(crate) async fn died(mut self) -> anyhow::Result<()> {
        let died = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        died.context("a worker does not die")??;
        self.writer.abort();
        self.listener.await?
    }

    /// Lets it stop in order, and hears its last word. Nobody else may hold what it is told by.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.told);
        self.writer.await?;
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let status = ended.context("a worker does not stop")??;
        anyhow::ensure!(status.success(), "a worker ended with {status}");
        self.listener.await?
    }
}
