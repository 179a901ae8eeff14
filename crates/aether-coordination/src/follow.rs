//! [`Follow`]: a stream of signals or changes that is opened again when it ends.

use std::time::Duration;

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use crate::CoordinationError;

/// How long to wait before listening again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

type Opened<S> = BoxFuture<'static, Result<S, CoordinationError>>;

/// A stream of signals or changes that is opened again when it ends.
pub struct Follow<S> {
    state: State<S>,
    open: Box<dyn Fn() -> Opened<S> + Send>,
}

enum State<S> {
    Opening(Opened<S>),
    On(S),
}

impl<S: Stream + Unpin + 'static> Follow<S> {
    /// Opens the stream for the first time.
    ///
    /// # Errors
    /// As opening it.
    pub async fn begin(open: impl Fn() -> Opened<S> + Send + 'static) -> Result<Self, CoordinationError> {
        Ok(Self { state: State::On(open().await?), open: Box::new(open) })
    }

    /// The next item, or why there will be no more.
    ///
    /// # Errors
    /// As opening it, if that cannot succeed any more.
    ///
    /// # Cancel safety
    /// Nothing is lost if this is given up.
    pub async fn next(&mut self) -> Result<S::Item, CoordinationError> {
        loop {
            match &mut self.state {
                State::On(stream) => match stream.next().await {
                    Some(item) => return Ok(item),
                    None => self.again(),
                },
                State::Opening(opening) => match opening.await {
                    Ok(stream) => self.state = State::On(stream),
                    Err(error) => {
                        self.again();
                        if !error.is_retryable() {
                            return Err(error);
                        }
                        tracing::warn!(%error, "cannot listen, and try again");
                    }
                },
            }
        }
    }

    fn again(&mut self) {
        let opened = (self.open)();
        self.state = State::Opening(
            async move {
                tokio::time::sleep(AGAIN_AFTER).await;
                opened.await
            }
            .boxed(),
        );
    }
}

impl<S> std::fmt::Debug for Follow<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}
