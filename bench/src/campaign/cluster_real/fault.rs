//! [`Fault`]: what goes wrong.

use std::time::{Duration, Instant};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NodeKilled,
    LeaderLost,
    NodeFrozen,
    NodeCut,
    NodeDelayed,
    NodeLeaves,
    ServerKilled,
    ServerPaused,
    LeaderIsolated,
    LeaderSilent,
    NodePartitioned,
    ServerPartitioned,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::NodeKilled,
        Self::LeaderLost,
        Self::NodeFrozen,
        Self::NodeCut,
        Self::NodeDelayed,
        Self::NodeLeaves,
        Self::ServerKilled,
        Self::ServerPaused,
        Self::LeaderIsolated,
        Self::LeaderSilent,
        Self::NodePartitioned,
        Self::ServerPartitioned,
    ];

    /// Whether it needs a network of its own for what it strikes.
    pub(crate) fn is_partition(self) -> bool {
        matches!(self, Self::NodePartitioned | Self::ServerPartitioned)
    }

    /// Whether the servers have to recover from it.
    pub(crate) fn is_of_servers(self) -> bool {
        matches!(
            self,
            Self::ServerKilled
                | Self::ServerPaused
                | Self::ServerPartitioned
                | Self::LeaderIsolated
                | Self::LeaderSilent
        )
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NodeKilled => "nodes killed (-9) and started anew",
            Self::LeaderLost => "leading nodes killed (-9), or cut off",
            Self::NodeFrozen => "nodes frozen past their suspicion, and thawed",
            Self::NodeCut => "nodes whose connections were cut",
            Self::NodeDelayed => "nodes whose connections were slow",
            Self::NodeLeaves => "nodes that left, and joined again",
            Self::ServerKilled => "servers killed (-9) and restarted",
            Self::ServerPaused => "servers paused and resumed",
            Self::LeaderIsolated => "servers that led the log cut off from the others",
            Self::LeaderSilent => "servers that led the log cut off without a word",
            Self::NodePartitioned => "nodes whose network lost all packets (by namespaces)",
            Self::ServerPartitioned => "servers whose network lost all packets (by namespaces)",
        }
    }
}

/// A fault that has happened, and what it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    pub(crate) at: Instant,
    /// When nothing was left of it.
    pub(crate) over: Instant,
    /// How long it took from then until every shard had an owner that is heard; `None` if nobody was to lose any.
    pub(crate) owned: Option<Duration>,
}
