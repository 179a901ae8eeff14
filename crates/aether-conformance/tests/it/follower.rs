//! [`Follower`]: a plain subscription. It looks for what comes next, one thing at a time, and remembers only where it is.

use aether_core::{
    Delivery, EventFilter, Position, ReadError, SubscribeFrom, SubscribeOptions, Subscription,
};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use crate::plain::{Next, Plain};

/// How many commits a subscription may be behind before it says so.
const LAG: usize = 32;

impl Plain {
    pub(crate) fn subscribe(&self, options: &SubscribeOptions) -> Result<Subscription, ReadError> {
        let last = self.last_position();
        let at = match options.from {
            SubscribeFrom::After(position) => position,
            SubscribeFrom::Now => last,
            _ => self.before_first(),
        };
        self.next_after(at)?;
        let follower = Follower {
            plain: self.clone(),
            changes: self.changes(),
            filter: options.filter.clone(),
            at,
            goal: last,
            caught_up: false,
            interruptions: self.interruptions(),
        };
        let followed = stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            let next = follower.next().await;
            let left = next.is_ok().then_some(follower);
            Some((next, left))
        });
        Ok(followed.boxed())
    }
}

struct Follower {
    plain: Plain,
    changes: watch::Receiver<()>,
    filter: EventFilter,
    /// Everything up to here has gone by.
    at: Position,
    /// When this has gone by, it has caught up.
    goal: Position,
    caught_up: bool,
    /// How often its line was interrupted, as far as it has said so.
    interruptions: u64,
}

impl Follower {
    async fn next(&mut self) -> Result<Delivery, ReadError> {
        loop {
            self.changes.borrow_and_update();
            if let Some(delivery) = self.look()? {
                return Ok(delivery);
            }
            // It holds a handle itself, so somebody can always change something.
            let _ = self.changes.changed().await;
        }
    }

    /// What there is to say now.
    fn look(&mut self) -> Result<Option<Delivery>, ReadError> {
        if self.plain.is_cut() {
            return Ok(None);
        }
        let interrupted = std::mem::replace(&mut self.interruptions, self.plain.interruptions());
        let behind = interrupted != self.interruptions || self.plain.commits_after(self.at) > LAG;
        if self.caught_up && behind {
            self.caught_up = false;
            self.goal = self.plain.last_position();
            return Ok(Some(Delivery::FellBehind));
        }
        if !self.caught_up && self.at >= self.goal {
            self.caught_up = true;
            return Ok(Some(Delivery::CaughtUp));
        }
        let Some(next) = self.plain.next_after(self.at)? else { return Ok(None) };
        self.at = next.position();
        Ok(Some(match next {
            Next::Event(event) if self.filter.matches(&event) => Delivery::Event(event),
            _ => Delivery::Passed(self.at),
        }))
    }
}
