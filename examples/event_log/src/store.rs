//! The store that the events go to.

use std::sync::Arc;

use aether::Subscribe;
#[cfg(feature = "nats")]
use aether::jetstream::async_nats::{ConnectOptions, ServerAddr};
use aether::memory::MemoryEventStore;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

/// How to build and run this example with NATS.
const COMMAND: &str = "cargo run --release -p event_log --features nats --";

/// Which store, and where.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Where the events are kept
    #[arg(long, value_enum, default_value = "memory")]
    store: Kind,
    /// The NATS server
    #[arg(long, value_name = "URL")]
    nats_url: Option<String>,
    /// The stream, which is created if it is not there [default: event_log]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// The namespace of the stream
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// In this process, gone when it ends.
    Memory,
    /// On NATS JetStream.
    Nats,
}

/// A store, and how many requests it should have in flight.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Subscribe>,
    pub(crate) in_flight: usize,
}

impl StoreArgs {
    /// Whether this program has the store that is asked for.
    pub(crate) fn check(&self, follow: bool) -> Result<()> {
        match self.store {
            Kind::Memory if follow => {
                bail!("--follow shows what another process saves, so it goes with --store nats")
            }
            Kind::Memory if self.nats_url.is_some() || self.stream.is_some() || self.namespace.is_some() => {
                bail!("--nats-url, --stream and --namespace go with --store nats")
            }
            Kind::Nats if cfg!(not(feature = "nats")) => {
                let args: Vec<String> = std::env::args().skip(1).map(quoted).collect();
                bail!("this build is without NATS; run: {COMMAND} {}", args.join(" "))
            }
            _ => Ok(()),
        }
    }

    /// Opens the store.
    pub(crate) async fn open(&self) -> Result<Opened> {
        match self.store {
            Kind::Memory => Ok(Opened { store: Arc::new(MemoryEventStore::default()), in_flight: 1 }),
            Kind::Nats => self.open_nats().await,
        }
    }

    #[cfg(feature = "nats")]
    async fn open_nats(&self) -> Result<Opened> {
        use aether::jetstream::{Denials, JetStreamConfig, JetStreamEventStore};
        use anyhow::{Context, anyhow};

        let url = self.nats_url.as_deref().unwrap_or("nats://localhost:4222");
        let denials = Denials::new();
        let connected = match url.parse::<ServerAddr>() {
            Ok(server) => denials.watch(options(&server)).connect(server).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let client = connected.map_err(|error| {
            // What is before the `@` may be a password.
            let server = url.rsplit('@').next().unwrap_or_default();
            anyhow!("cannot use a NATS server at {server} ({error}): give its --nats-url, or start one with `cargo xtask nats run`")
        })?;
        let mut config = JetStreamConfig::new(self.stream.as_deref().unwrap_or("event_log")).denials(denials);
        if let Some(namespace) = &self.namespace {
            config = config.namespace(namespace);
        }
        let store = JetStreamEventStore::create(client, config).await.context("the stream cannot be used")?;
        Ok(Opened { store: Arc::new(store), in_flight: 256 })
    }

    #[cfg(not(feature = "nats"))]
    async fn open_nats(&self) -> Result<Opened> {
        self.check(false)?;
        bail!("this build is without NATS")
    }
}

/// The user and password of the URL, which the client leaves to its options.
#[cfg(feature = "nats")]
fn options(server: &ServerAddr) -> ConnectOptions {
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        _ => ConnectOptions::new(),
    }
}

/// The argument as it is typed into a shell.
fn quoted(argument: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument;
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}
