//! [`Reader`]: a subscription, held to what is true of everything that one delivers.

use std::time::Duration;

use aether_core::{
    Delivery, EventFilter, Position, RecordedEvent, Source, SubscribeFrom, SubscribeOptions, Subscription,
};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};

use super::OrFail;

/// Reads a subscription. Whatever comes out of order, does not match, or says twice in a row that it has caught up or
/// fallen behind, breaks the rule; so does silence, and an end.
pub(crate) struct Reader {
    subscription: Subscription,
    filter: EventFilter,
    patience: Duration,
    /// The position that has gone by last.
    at: Option<Position>,
    /// Whether that is where it began.
    at_start: bool,
    caught_up: bool,
}

impl Reader {
    pub(super) fn new(subscription: Subscription, options: &SubscribeOptions, patience: Duration) -> Self {
        let at = match options.from {
            SubscribeFrom::After(position) => Some(position),
            _ => None,
        };
        let filter = options.filter.clone();
        Self { subscription, filter, patience, at, at_start: true, caught_up: false }
    }

    /// The position that has gone by last; at first, the one that it began after.
    pub(crate) fn position(&self) -> Option<Position> {
        self.at
    }

    /// The next delivery; a [`ReadError`](aether_core::ReadError), or what is wrong with it, in words.
    pub(crate) async fn try_next(&mut self) -> Result<Delivery, Source> {
        let silence = |_| {
            let state = if self.caught_up { "and had caught up" } else { "and had not caught up" };
            let at = self.at.map_or_else(|| "nowhere yet".to_owned(), |at| at.to_string());
            format!("nothing came for {:?}; the subscription was at {at} {state}", self.patience)
        };
        let next = tokio::time::timeout(self.patience, self.subscription.next()).await.map_err(silence)?;
        let delivery = next.ok_or("the subscription has ended")??;
        self.check(&delivery)?;
        Ok(delivery)
    }

    /// Holds a delivery to what is true of all.
    fn check(&mut self, delivery: &Delivery) -> Result<(), Source> {
        match delivery {
            Delivery::CaughtUp if self.caught_up => {
                return Err("it caught up a second time, without having fallen behind".into());
            }
            Delivery::CaughtUp => self.caught_up = true,
            Delivery::FellBehind if !self.caught_up => {
                return Err("it fell behind without having caught up".into());
            }
            Delivery::FellBehind => self.caught_up = false,
            Delivery::Event(event) if !self.filter.matches(event) => {
                return Err(format!("an event of {:?} does not match", event.actor()).into());
            }
            _ => {}
        }
        let Some(position) = delivery.position() else { return Ok(()) };
        if let Some(at) = self.at {
            // Where it began has gone by, and may be said to have.
            let said = self.at_start && position == at && matches!(delivery, Delivery::Passed(_));
            if position <= at && !said {
                return Err(format!("{position} came, when {at} had gone by: {delivery:?}").into());
            }
        }
        (self.at, self.at_start) = (Some(position), false);
        Ok(())
    }

    /// What comes at once, if anything does. Asks as nobody who would be woken.
    pub(crate) fn next_now(&mut self) -> Option<Delivery> {
        let next = self.subscription.next().now_or_never()?;
        let next = next.or_fail("reading on: the subscription").or_fail("reading on");
        self.check(&next).or_fail("reading on");
        Some(next)
    }

    pub(crate) async fn next(&mut self) -> Delivery {
        self.try_next().await.or_fail("reading on")
    }

    /// The next event.
    pub(crate) async fn try_event(&mut self) -> Result<RecordedEvent, Source> {
        loop {
            if let Some(event) = event_of(self.try_next().await?) {
                return Ok(event);
            }
        }
    }

    /// The next delivery, if it is an event.
    pub(crate) async fn next_event(&mut self) -> Option<RecordedEvent> {
        event_of(self.next().await)
    }

    /// The events up to this position, which must go by.
    pub(crate) async fn try_until(&mut self, position: Position) -> Result<Vec<RecordedEvent>, Source> {
        let mut events = Vec::new();
        while self.at.is_none_or(|at| at < position) {
            events.extend(event_of(self.try_next().await?));
        }
        Ok(events)
    }

    pub(crate) async fn until(&mut self, position: Position) -> Vec<RecordedEvent> {
        self.try_until(position).await.or_fail(format_args!("reading until {position} has gone by"))
    }

    /// The events until it has caught up; none if it has.
    pub(crate) async fn until_caught_up(&mut self) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        while !self.caught_up {
            let next = self.try_next().await.or_fail("reading until it has caught up");
            events.extend(event_of(next));
        }
        events
    }

    /// As many events.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.try_event().await.or_fail(format_args!("reading {count} events")));
        }
        events
    }
}

/// What each of these reads up to this position, all of them at the same time.
pub(crate) async fn all_until<'a>(
    readers: impl IntoIterator<Item = &'a mut Reader>,
    position: Position,
) -> Vec<Vec<RecordedEvent>> {
    join_all(readers.into_iter().map(|reader| reader.until(position))).await
}

/// The event, if it is one.
fn event_of(delivery: Delivery) -> Option<RecordedEvent> {
    match delivery {
        Delivery::Event(event) => Some(event),
        _ => None,
    }
}
