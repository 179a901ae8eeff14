//! [`Context`]: what an event that is made now is caused by.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use crate::Event;

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// The conversation and the cause of what is being done. Events that are built inside take both, unless they are told
/// otherwise: so correlation and causation ids go on by themselves from an event to what is done because of it.
///
/// It follows the future or the closure that it is given to; a task that is spawned begins without.
///
/// ```
/// use aether_core::{ActorId, Context, Event, Version};
///
/// let placed = Event::builder(&ActorId::new("order-1")?, Version::new(1), "Placed").correlation_id("r-7").build()?;
/// let invoiced = Context::of(&placed)
///     .run(|| Event::new(&ActorId::new("invoice-1")?, Version::new(1), "Sent", &()).map_err(Box::<dyn std::error::Error>::from))?;
/// assert_eq!(invoiced.metadata().correlation_id.as_deref(), Some("r-7"));
/// assert_eq!(invoiced.metadata().causation_id, Some(placed.id().to_string()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Context {
    /// The conversation.
    pub correlation_id: Option<String>,
    /// The event or command that is the cause.
    pub causation_id: Option<String>,
}

impl Context {
    /// Returns the context of work caused by an event: part of its conversation, or of the one that it began.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let id = event.id().to_string();
        let correlation_id = event.metadata().correlation_id.clone().unwrap_or_else(|| id.clone());
        Self { correlation_id: Some(correlation_id), causation_id: Some(id) }
    }

    /// Returns the context of work in a conversation, without a cause.
    #[must_use]
    pub fn correlated(correlation_id: impl ToString) -> Self {
        Self { correlation_id: Some(correlation_id.to_string()), causation_id: None }
    }

    /// The context of the code that runs.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `work` in this context.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(self);
        work()
    }

    /// Runs `work` in this context, wherever it is polled.
    pub fn scope<F: Future>(self, work: F) -> InContext<F> {
        InContext { context: self, work: Box::pin(work) }
    }
}

/// Work in a [`Context`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct InContext<F> {
    context: Context,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let _entered = Entered::new(self.context.clone());
        self.work.as_mut().poll(cx)
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Puts the context before back when it is dropped.
struct Entered(Option<Context>);

impl Entered {
    fn new(context: Context) -> Self {
        Self(CURRENT.replace(Some(context)))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActorId, Version};

    fn event(id: Option<&str>) -> Event {
        let builder = Event::builder(&ActorId::new("order-1").unwrap(), Version::new(1), "A");
        match id {
            Some(id) => builder.correlation_id(id).build().unwrap(),
            None => builder.build().unwrap(),
        }
    }

    #[test]
    fn contexts_nest_and_end() {
        let outer = Context::correlated("outer");
        outer.run(|| {
            Context::correlated("inner")
                .run(|| assert_eq!(event(None).metadata().correlation_id.as_deref(), Some("inner")));
            assert_eq!(event(None).metadata().correlation_id.as_deref(), Some("outer"));
        });
        assert_eq!(Context::current(), None);
        assert_eq!(event(None).metadata().correlation_id, None);
    }

    #[test]
    fn an_event_without_a_conversation_begins_one() {
        let first = event(None);
        assert_eq!(Context::of(&first).correlation_id, Some(first.id().to_string()));
        assert_eq!(Context::of(&event(Some("c"))).correlation_id.as_deref(), Some("c"));
    }

    #[test]
    fn what_is_said_is_kept() {
        let told = Context::correlated("ambient").run(|| event(Some("told")));
        assert_eq!(told.metadata().correlation_id.as_deref(), Some("told"));
    }
}
