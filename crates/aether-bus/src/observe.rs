//! What a bus reports about itself.

use aether_core::{Event, Namespace};

use crate::PublishError;

/// A saved event did not go out to other nodes.
pub(crate) fn unpublished(namespace: &Namespace, event: &Event, error: &PublishError) {
    tracing::warn!(
        %namespace,
        event = %event.id(),
        error = error as &dyn std::error::Error,
        "a saved event did not go out to other nodes",
    );
}
