//! [`RoutingError`]: why a node cannot take part in routing.

use aether_core::Source;

/// Why a node cannot take part in routing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutingError {
    /// The connection is down or closed, or the server did not answer in time.
    #[error("the server could not be reached; if it runs, the credentials may lack a permission")]
    Unavailable(#[source] Source),
    /// This router is a client's, which has no shards.
    #[error("a client acts for no shard: start the router as a node's")]
    NotANode,
    /// The cluster has no such shard.
    #[error("there is no shard {shard}: the cluster has {shards}")]
    NoSuchShard {
        /// The shard.
        shard: u16,
        /// How many there are.
        shards: u16,
    },
}

impl RoutingError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn unavailable(error: impl Into<Source>) -> Self {
        Self::Unavailable(error.into())
    }
}
