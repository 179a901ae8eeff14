//! The servers that all tests of the run share, and how to reach them.

use std::sync::OnceLock;

use aether_nats_server::{shared_r1, shared_r3};
use async_nats::{Client, ServerAddr};

pub(crate) async fn connect(urls: &[String]) -> Result<Client, async_nats::ConnectError> {
    let urls: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    async_nats::connect(urls).await
}

/// One server, or a cluster of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Servers {
    One,
    Three,
}

impl Servers {
    /// On how many servers a stream is kept.
    pub(crate) fn replicas(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }

    fn urls(self) -> Vec<String> {
        match self {
            Self::One => vec![shared_r1().unwrap()],
            Self::Three => shared_r3().unwrap(),
        }
    }

    /// A connection of its own.
    pub(crate) async fn connect(self) -> Result<Client, async_nats::ConnectError> {
        connect(&self.urls()).await
    }

    /// Major and minor version, asked for once.
    pub(crate) fn version(self) -> (u32, u32) {
        static ONE: OnceLock<(u32, u32)> = OnceLock::new();
        static THREE: OnceLock<(u32, u32)> = OnceLock::new();
        let asked = match self {
            Self::One => &ONE,
            Self::Three => &THREE,
        };
        *asked.get_or_init(|| {
            // A thread of its own, since who asks may be in a runtime already.
            let ask = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { self.connect().await.unwrap().server_info().version })
            };
            let version = std::thread::spawn(ask).join().unwrap();
            let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
            (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
        })
    }
}
