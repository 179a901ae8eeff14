//! [`Namespace`]: a network of the kernel's of its own, for the processes that are started in it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;

use anyhow::Context;
use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace without a name: the kernel removes it, and what is in it, when this process and the last one that
/// runs in it have ended, in whatever way.
#[derive(Debug)]
pub(super) struct Namespace(File);

impl Namespace {
    /// A new one, with nothing in it. Fails where the machine does not allow it.
    pub(super) fn new() -> anyhow::Result<Self> {
        let file = apart(|| {
            unshare(CloneFlags::CLONE_NEWNET).context("a network namespace")?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        })?;
        Ok(Self(file))
    }

    /// Does something inside: what is started there, stays there.
    pub(super) fn within<T: Send>(
        &self,
        act: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        apart(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET).context("entering a network namespace")?;
            act()
        })
    }

    /// Runs `ip` inside.
    pub(super) fn ip(&self, args: &str) -> anyhow::Result<()> {
        self.within(|| ip(args))
    }

    /// What `ip` finds it by, as long as this is there.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// A namespace is a thread's: one that has entered it must not be used for anything else.
fn apart<T: Send>(act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    let done = thread::scope(|scope| scope.spawn(act).join());
    done.unwrap_or_else(|_| Err(anyhow::anyhow!("a thread in a network namespace panicked")))
}

/// Runs `ip`.
pub(super) fn ip(args: &str) -> anyhow::Result<()> {
    let done = Command::new("ip").args(args.split_whitespace()).output();
    let done = done.with_context(|| format!("ip {args}"))?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "ip {args}: {}", complaint.trim());
    Ok(())
}
