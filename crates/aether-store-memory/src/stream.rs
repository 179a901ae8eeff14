//! [`stream`]: an iterator as a stream that lets others run.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Stream};

/// Items after which a stream lets the runtime's other tasks run, since it never has to wait for anything itself.
const TURN: usize = 1024;

/// The items of `iterator`, each as `Ok`.
pub(crate) fn stream<I, E>(iterator: I) -> BoxStream<'static, Result<I::Item, E>>
where
    I: Iterator + Send + Unpin + 'static,
    E: 'static,
{
    Turns { iterator, left: TURN }.map(Ok).boxed()
}

struct Turns<I> {
    iterator: I,
    left: usize,
}

impl<I: Iterator + Unpin> Stream for Turns<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if self.left == 0 {
            self.left = TURN;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.left -= 1;
        Poll::Ready(self.iterator.next())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_stream_pauses_after_a_turn_and_goes_on() {
        let mut items = stream::<_, Infallible>(0..TURN + 1);
        for expected in 0..TURN {
            assert_eq!(items.next().now_or_never(), Some(Some(Ok(expected))));
        }
        assert_eq!(items.next().now_or_never(), None, "a turn is over");
        assert_eq!(items.next().now_or_never(), Some(Some(Ok(TURN))));
        assert_eq!(items.next().now_or_never(), Some(None));
    }
}
