//! [`Capability`]: what a store may be without, if it says why.

use std::fmt;

/// Something that not every store can do. A fixture has all of them unless it
/// [declines](super::Fixture::declines) one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Its handles are event stores.
    Events,
    /// Its handles are snapshot stores.
    Snapshots,
    /// It has timers. A store without them is [`Unsupported`](aether_core::Unsupported) where they are opened.
    Timers,
    /// Commits over several actors. A store without them answers such a commit with
    /// [`Unsupported`](aether_core::SaveError::Unsupported).
    SeveralActors,
    /// A storage can be opened more than once at the same time.
    SecondHandles,
    /// Stores in namespaces, beside each other.
    Namespaces,
    /// Events expire by age.
    Retention,
    /// A storage can be given a limit of bytes.
    BoundedCapacity,
    /// A commit can be too large.
    CommitLimit,
    /// A save can be dropped half way.
    Cancellation,
    /// A storage can be cut off from those who have opened it, and what it runs on can be restarted.
    Outages,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Snapshots => "snapshots",
            Self::Timers => "timers",
            Self::SeveralActors => "commits over several actors",
            Self::SecondHandles => "second handles",
            Self::Namespaces => "namespaces",
            Self::Retention => "retention by age",
            Self::BoundedCapacity => "a bounded capacity",
            Self::CommitLimit => "a limit of a commit's size",
            Self::Cancellation => "cancellation of a save",
            Self::Outages => "outages",
        })
    }
}
