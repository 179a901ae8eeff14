//! [`Fault`]: what goes wrong.

use std::time::Duration;

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
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
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
    ];

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
        }
    }
}

/// A fault that has happened, and what it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    pub(crate) at: std::time::Instant,
    /// How long it took from then until every shard had an owner that is heard; `None` if nobody was to lose any.
    pub(crate) owned: Option<Duration>,
}
