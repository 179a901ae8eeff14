//! [`ClusterEvent`]: what happens in a cluster, for whoever follows it.

use serde::Serialize;

use crate::{Epoch, Member, MemberState, Node, ShardId};

/// What happens in a cluster, as one node sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClusterEvent {
    /// A member is like this now.
    Member {
        /// What it says of itself.
        member: Member,
        /// How it is.
        state: MemberState,
    },
    /// Somebody leads, from this epoch on.
    Leader {
        /// Its epoch.
        epoch: Epoch,
        /// Who.
        node: Node,
    },
    /// This node acts for the shard from now on.
    Gained(ShardId),
    /// This node does not act for the shard any more.
    Lost(ShardId),
    /// So many events were not taken in time and are missing here: look at the [`status`](crate::ClusterManager::status).
    Missed(u64),
}
