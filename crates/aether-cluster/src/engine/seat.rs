//! [`Seat`]: what a node does about one shard. Pure: what the plan says and what the others say go in, [`Order`]s come out.
//!
//! A shard moves from A to B so: B listens, and lets the interest in it spread; says that it is ready; A holds back what
//! comes, finishes what it has begun, hands over what it holds, and releases; B acts. Whatever is lost on the way is said
//! again until the plan has changed. A dead A is not waited for: the plan gives B the shard without it.

use std::time::Duration;

use crate::Incarnation;
use crate::plan::Slot;

/// How long both listen before the old owner holds back: until the interest has spread between the servers.
pub(crate) const OVERLAP: Duration = Duration::from_millis(20);
/// How often something is said that was not answered.
const AGAIN: Duration = Duration::from_millis(50);
/// How long an owner waits for what it has begun. What takes longer is finished beside its successor: the log decides.
const DRAIN: Duration = Duration::from_secs(2);

/// What nodes say to each other about one shard; `since` tells which move it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Word {
    /// The successor listens.
    Ready,
    /// The owner does not act any more.
    Release,
    /// The successor knows that.
    Taken,
}

/// What is to be done about the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// Listen, and say so by [`Seat::listened`] with the same number.
    Listen(u32),
    /// Keep what comes.
    Keep,
    /// Act on what was kept and on what comes.
    Act,
    /// Begin nothing more, keep what comes for this node, and say by [`Seat::drained`] when nothing is under way any more.
    Hold(Incarnation),
    /// Send the successor what was kept, and from now on what comes; of this move.
    HandOver(Incarnation, u64),
    /// Say this to a node.
    Say(Incarnation, Word, u64),
    /// Do not listen any more, and forget the shard's actors.
    Close,
}

/// Where the node is with the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Stage {
    /// It is not this node's.
    #[default]
    Closed,
    /// It is, as soon as the node listens.
    Opening,
    /// It will be: once the owner has released it.
    Preparing { from: Incarnation },
    /// The node acts.
    Acting,
    /// It is somebody else's as soon as what was begun is finished.
    Holding { to: Incarnation },
    /// It was handed over.
    Released { to: Incarnation, taken: bool },
}

/// What a node does about one shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Seat {
    pub(crate) stage: Stage,
    slot: Slot,
    /// How often it has begun to listen, and whether that was confirmed.
    listens: u32,
    listening: bool,
    /// When something is to be said again, or has taken too long.
    due: Option<Duration>,
}

impl Seat {
    /// The plan says this of the shard.
    pub(crate) fn planned(&mut self, me: Incarnation, slot: Slot, now: Duration, orders: &mut Vec<Order>) {
        if slot == self.slot {
            return;
        }
        let same_move = slot.since == self.slot.since;
        self.slot = slot;
        match (slot.owner == Some(me), slot.to) {
            (true, None) => self.own(orders),
            (true, Some(to)) => match self.stage {
                Stage::Acting | Stage::Opening => {}
                Stage::Holding { to: before } | Stage::Released { to: before, .. }
                    if same_move && before == to => {}
                // Another move than the one that was under way: it begins anew, with the node that acts.
                _ => self.own(orders),
            },
            (false, Some(to)) if to == me => match slot.owner {
                Some(from) => self.prepare(from, now, orders),
                None => self.own(orders),
            },
            (false, _) => self.close(orders),
        }
    }

    /// The node listens: what it was asked to by that number.
    pub(crate) fn listened(&mut self, number: u32, now: Duration, orders: &mut Vec<Order>) {
        // What was closed meanwhile is not listened to, whatever had been begun before.
        if number != self.listens || self.listening || self.stage == Stage::Closed {
            return;
        }
        self.listening = true;
        match self.stage {
            Stage::Opening => self.act(orders),
            Stage::Preparing { .. } => self.due = Some(now + OVERLAP),
            _ => {}
        }
    }

    /// Nothing is under way any more.
    pub(crate) fn drained(&mut self, now: Duration, orders: &mut Vec<Order>) {
        if let Stage::Holding { to } = self.stage {
            orders.push(Order::HandOver(to, self.slot.since));
            orders.push(Order::Say(to, Word::Release, self.slot.since));
            self.stage = Stage::Released { to, taken: false };
            self.due = Some(now + AGAIN);
        }
    }

    /// Another node has said something.
    pub(crate) fn told(
        &mut self,
        from: Incarnation,
        word: Word,
        since: u64,
        now: Duration,
        orders: &mut Vec<Order>,
    ) {
        if since != self.slot.since {
            // About another move than the one that this node knows of; whoever lags behind will learn of it.
            return;
        }
        match (word, self.stage) {
            (Word::Ready, Stage::Acting) if self.slot.to == Some(from) => {
                orders.push(Order::Hold(from));
                self.stage = Stage::Holding { to: from };
                self.due = Some(now + DRAIN);
            }
            (Word::Ready, Stage::Released { to, .. }) if to == from => {
                orders.push(Order::Say(to, Word::Release, since));
            }
            (Word::Release, Stage::Preparing { from: owner }) if owner == from && self.listening => {
                orders.push(Order::Say(from, Word::Taken, since));
                self.act(orders);
            }
            (Word::Release, Stage::Acting) if self.slot.owner == Some(from) => {
                orders.push(Order::Say(from, Word::Taken, since));
            }
            (Word::Taken, Stage::Released { to, taken: false }) if to == from => {
                self.stage = Stage::Released { to, taken: true };
                self.due = None;
            }
            _ => {}
        }
    }

    /// Says again what is due.
    pub(crate) fn turn(&mut self, now: Duration, orders: &mut Vec<Order>) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        match self.stage {
            Stage::Preparing { from } if self.listening => {
                orders.push(Order::Say(from, Word::Ready, self.slot.since));
                self.due = Some(now + AGAIN);
            }
            Stage::Holding { .. } => self.drained(now, orders),
            Stage::Released { to, taken: false } => {
                orders.push(Order::Say(to, Word::Release, self.slot.since));
                self.due = Some(now + AGAIN);
            }
            _ => {}
        }
    }

    /// When [`turn`](Self::turn) has something to do.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Returns whether the node acts for the shard.
    pub(crate) fn is_acting(&self) -> bool {
        matches!(self.stage, Stage::Acting)
    }

    /// The move that has been completed here, and that the plan still has as one.
    pub(crate) fn moved(&self, me: Incarnation) -> Option<u64> {
        (self.is_acting() && self.slot.to == Some(me)).then_some(self.slot.since)
    }

    /// The number by which it waits to be told that the node listens.
    #[cfg(test)]
    pub(crate) fn awaits_listening(&self) -> Option<u32> {
        (self.stage != Stage::Closed && !self.listening).then_some(self.listens)
    }

    /// Makes states equal that differ in nothing but times and counts.
    #[cfg(test)]
    pub(crate) fn forget_times(&mut self) {
        self.due = self.due.map(|_| Duration::ZERO);
        self.listens = 1;
    }

    fn own(&mut self, orders: &mut Vec<Order>) {
        match self.stage {
            Stage::Acting | Stage::Opening => {}
            _ if self.listening => self.act(orders),
            Stage::Preparing { .. } => self.stage = Stage::Opening,
            _ => self.listen(Stage::Opening, orders),
        }
    }

    fn prepare(&mut self, from: Incarnation, now: Duration, orders: &mut Vec<Order>) {
        match self.stage {
            Stage::Closed => {
                self.listen(Stage::Preparing { from }, orders);
            }
            // It was this node's before, or is to come from another one: whoever owns it by the plan has the last word.
            _ => {
                if matches!(self.stage, Stage::Acting | Stage::Holding { .. } | Stage::Released { .. }) {
                    orders.push(Order::Keep);
                }
                self.stage = Stage::Preparing { from };
                self.due = self.listening.then_some(now + OVERLAP);
            }
        }
    }

    fn listen(&mut self, stage: Stage, orders: &mut Vec<Order>) {
        self.listens += 1;
        self.listening = false;
        self.stage = stage;
        self.due = None;
        orders.push(Order::Keep);
        orders.push(Order::Listen(self.listens));
    }

    fn act(&mut self, orders: &mut Vec<Order>) {
        self.stage = Stage::Acting;
        self.due = None;
        orders.push(Order::Act);
    }

    fn close(&mut self, orders: &mut Vec<Order>) {
        if self.stage != Stage::Closed {
            self.stage = Stage::Closed;
            self.listening = false;
            self.due = None;
            orders.push(Order::Close);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_shard_that_was_closed_before_it_was_listened_to_is_not_listened_to() {
        let node = |number| Incarnation::from(Uuid::from_u128(number));
        let (me, other) = (node(1), node(2));
        let slot = |owner, since| Slot { owner: Some(owner), to: None, since };
        let (mut seat, mut orders) = (Seat::default(), Vec::new());
        seat.planned(me, slot(me, 1), Duration::ZERO, &mut orders);
        assert_eq!(orders, [Order::Keep, Order::Listen(1)]);
        seat.planned(me, slot(other, 2), Duration::ZERO, &mut orders);
        // The subscription was there for a moment.
        seat.listened(1, Duration::ZERO, &mut orders);
        orders.clear();
        seat.planned(me, slot(me, 3), Duration::ZERO, &mut orders);
        assert_eq!(orders, [Order::Keep, Order::Listen(2)]);
        assert!(!seat.is_acting());
        seat.listened(2, Duration::ZERO, &mut orders);
        assert!(seat.is_acting());
    }
}
