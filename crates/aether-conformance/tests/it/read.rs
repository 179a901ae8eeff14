//! [`Read`]: what a read gives, before it is a stream.

use aether_core::ReadError;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

/// Items, and the error that ends them, if one does.
#[derive(Debug)]
pub(crate) struct Read<T> {
    pub(crate) items: Vec<T>,
    pub(crate) error: Option<ReadError>,
}

impl<T: Send + 'static> Read<T> {
    /// The same read; if there is an error, that and nothing else.
    pub(crate) fn failing_at_once(mut self, error: Option<ReadError>) -> Self {
        if error.is_some() {
            self.items.clear();
        }
        self.error = error;
        self
    }

    pub(crate) fn into_stream(self) -> BoxStream<'static, Result<T, ReadError>> {
        let items = self.items.into_iter().map(Ok);
        stream::iter(items.chain(self.error.map(Err)).collect::<Vec<_>>()).boxed()
    }

    /// The same read with other items.
    pub(crate) fn map(mut self, change: impl FnOnce(Vec<T>) -> Vec<T>) -> Self {
        self.items = change(self.items);
        self
    }
}
