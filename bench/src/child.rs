//! [`Child`]: this program once more, as a process of its own: started, killed, let go.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStdin, Command};

/// The line by which a process says that it is at work.
const READY: &str = "ready";

/// One process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) process: tokio::process::Child,
    /// Closed when the process is to stop.
    stdin: Option<ChildStdin>,
}

impl Child {
    /// Starts this program with these arguments; what it logs is appended to a file of its name in `logs`.
    pub(crate) fn spawn(name: &str, args: &[&str], logs: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(logs)?;
        let log = File::options().create(true).append(true).open(logs.join(format!("{name}.log")))?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = process.stdin.take();
        Ok(Self { name: name.to_owned(), process, stdin })
    }

    /// Waits until it is at work.
    pub(crate) async fn ready(&mut self, within: Duration) -> anyhow::Result<()> {
        let Some(stdout) = self.process.stdout.take() else { return Ok(()) };
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(within, lines.next_line()).await;
        let first = first.with_context(|| format!("{} does not come to work", self.name))??;
        anyhow::ensure!(first.as_deref() == Some(READY), "{} ended before it was at work", self.name);
        Ok(())
    }

    /// Kills it (-9).
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Lets it stop in order.
    pub(crate) async fn stop(mut self, within: Duration) -> anyhow::Result<()> {
        self.stdin.take();
        let ended = tokio::time::timeout(within, self.process.wait()).await;
        let status = ended.with_context(|| format!("{} does not stop", self.name))??;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }
}

/// What a process says when it is at work.
#[expect(clippy::print_stdout, reason = "that is how it is heard")]
pub(crate) fn say_ready() {
    println!("{READY}");
}

/// Waits until the process is to stop.
pub(crate) async fn told_to_stop() {
    // Whatever ends the input ends the process.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
