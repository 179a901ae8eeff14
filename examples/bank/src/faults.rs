//! [`Faults`]: a server of its own, which is killed while the transfers run.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "nats")]
use aether_nats_server::NatsServer;
use anyhow::Result;

/// The server in a build without NATS, where it cannot exist.
#[cfg(not(feature = "nats"))]
#[derive(Debug)]
enum NatsServer {}

/// How often the server is killed, and at which transfers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    server: Option<Arc<NatsServer>>,
    /// Between two kills there are so many transfers.
    every: u64,
}

impl Faults {
    /// None.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Fails: this build is without NATS.
    #[cfg(not(feature = "nats"))]
    pub(crate) async fn start(_kills: u64, _transfers: u64) -> Result<Self> {
        anyhow::bail!("this build is without NATS: build it with `--features nats`")
    }

    /// Starts a server, which will be killed so many times in the course of so many transfers.
    #[cfg(feature = "nats")]
    pub(crate) async fn start(kills: u64, transfers: u64) -> Result<Self> {
        let server = tokio::task::spawn_blocking(|| NatsServer::builder().start()).await??;
        Ok(Self { server: Some(Arc::new(server)), every: transfers.div_ceil(kills + 1).max(1) })
    }

    /// Where the server is, if there is one.
    pub(crate) fn url(&self) -> Option<String> {
        self.server.as_ref().map(|server| server.url())
    }

    /// How often it has been killed when so many transfers were requested.
    pub(crate) fn kills(&self, transfers: u64) -> u64 {
        if self.server.is_some() { transfers.saturating_sub(1) / self.every } else { 0 }
    }

    /// Does what is due before this transfer: the server is killed (`kill -9`), and is back after a moment.
    pub(crate) async fn before(&self, transfer: u64) -> Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        if transfer == 1 || !(transfer - 1).is_multiple_of(self.every) {
            return Ok(());
        }
        let server = Arc::clone(server);
        tokio::task::spawn_blocking(move || {
            server.kill()?;
            std::thread::sleep(Duration::from_millis(200));
            server.restart()
        })
        .await??;
        Ok(())
    }
}

#[cfg(not(feature = "nats"))]
impl NatsServer {
    fn url(&self) -> String {
        match *self {}
    }

    fn kill(&self) -> Result<()> {
        match *self {}
    }

    fn restart(&self) -> Result<()> {
        match *self {}
    }
}
