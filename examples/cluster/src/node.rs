//! One node: a process that has its share of the accounts.

use std::io;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::account::Account;
use crate::world;

/// How long a node may take to hand over what it has.
const LEAVE_WITHIN: Duration = Duration::from_secs(30);

/// Runs until it is told to go (SIGTERM), and then leaves in order.
pub(crate) async fn run(name: &str, url: &str) -> Result<()> {
    end_with_the_parent();
    tracing_subscriber::fmt().with_ansi(false).with_writer(io::stderr).init();
    let mut told_to_go = signal(SignalKind::terminate())?;
    let store = world::store(url).await?;
    let node = world::member(url, name).await?.store(store).actor::<Account>().start().await?;
    tokio::select! {
        _ = told_to_go.recv() => Ok(node.leave(LEAVE_WITHIN).await?),
        closed = node.closed() => {
            closed?;
            bail!("the node has ended by itself");
        }
    }
}

/// Whoever has started this process holds the other end of its standard input: when that is closed, however the parent has
/// ended, there is nobody left to be a node for.
fn end_with_the_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(1);
    });
}
