//! `cargo xtask nats`: a server for whoever wants to try something.

use std::thread;

use aether_nats_server::{NatsBinary, NatsServer};
use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Get a nats-server and print where it is.
    Get {
        /// The version; by default the one that the tests use.
        version: Option<String>,
    },
    /// Run a server with JetStream on a free port, print its URL, and end it and its data with Ctrl-C.
    Run {
        /// The version; by default the one that the tests use.
        #[arg(long)]
        version: Option<String>,
        /// Three servers that are one cluster.
        #[arg(long)]
        cluster: bool,
    },
}

pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::Get { version } => {
            let binary = match version {
                Some(version) => NatsBinary::find_version(version)?,
                None => NatsBinary::find()?,
            };
            println!("{}", binary.path().display());
        }
        Command::Run { version, cluster } => {
            let mut builder = NatsServer::builder();
            if let Some(version) = version {
                builder = builder.version(version);
            }
            // Whatever ends this process, the harness ends the servers.
            if *cluster {
                let cluster = builder.start_cluster()?;
                wait(cluster.node(0).version(), &cluster.url());
            } else {
                let server = builder.start()?;
                wait(server.version(), &server.url());
            }
        }
    }
    Ok(())
}

fn wait(version: &str, url: &str) -> ! {
    println!("{url}");
    eprintln!("nats-server {version} runs until Ctrl-C");
    loop {
        thread::park();
    }
}
