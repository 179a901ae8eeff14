//! [`Reader`]: the events that a driver reads.

use std::future::pending;

use aether_core::{Delivery, ReadError, Subscription};
use futures_core::future::BoxFuture;
use futures_util::StreamExt;

/// What was read, or why no more is.
pub(super) type Read = Result<Delivery, Option<ReadError>>;

/// The events of the store.
pub(super) enum Reader {
    Off,
    Opening(BoxFuture<'static, Result<Subscription, ReadError>>),
    On(Subscription),
}

impl Reader {
    /// The next delivery.
    pub(super) async fn next(&mut self) -> Read {
        if let Self::Opening(opening) = self {
            match opening.await {
                Ok(subscription) => *self = Self::On(subscription),
                Err(error) => {
                    *self = Self::Off;
                    return Err(Some(error));
                }
            }
        }
        match self {
            Self::On(subscription) => match subscription.next().await {
                Some(Ok(delivery)) => Ok(delivery),
                Some(Err(error)) => Err(Some(error)),
                None => Err(None),
            },
            Self::Off | Self::Opening(_) => pending().await,
        }
    }
}
