//! [`Signals`]: small messages to whoever listens.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;

use crate::{CoordinationError, Key};

/// What is heard, in the order of each sender.
pub type Heard = BoxStream<'static, Bytes>;

/// Small messages to whoever listens, also to the sender. At most once: what is sent while the connection is down, or to
/// a listener that has fallen behind, is lost.
#[async_trait]
pub trait Signals: fmt::Debug + Send + Sync {
    /// Sends a message to all who listen on the topic.
    ///
    /// # Errors
    /// [`CoordinationError`] if it certainly was not sent. That it was sent does not mean that anybody heard it.
    async fn send(&self, topic: &Key, message: Bytes) -> Result<(), CoordinationError>;

    /// Listens on a topic. When this returns, what is sent from then on through the same server is heard; it may take some
    /// milliseconds more until the other servers of a cluster know of the listener. It goes on over reconnects and ends
    /// with the connection.
    ///
    /// # Errors
    /// [`CoordinationError`].
    async fn listen(&self, topic: &Key) -> Result<Heard, CoordinationError>;
}
