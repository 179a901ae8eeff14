//! [`Gate`]: what a node does with a request for one of its shards. Pure.

use crate::Incarnation;

/// How a node stands to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    /// It has nothing to do with it.
    Closed,
    /// It will act for it, and keeps what comes until then.
    Preparing,
    /// It acts for it.
    Acting,
    /// It does not act for it any more, and keeps what comes for its successor.
    Holding(Incarnation),
    /// Its successor acts for it, and is sent what still comes.
    Forwarding(Incarnation),
}

impl Stance {
    fn keeps(self) -> bool {
        matches!(self, Self::Preparing | Self::Holding(_))
    }
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is run.
    Act,
    /// It is kept.
    Keep,
    /// It is sent to the successor, for it alone.
    Forward(Incarnation),
    /// Its sender is told that nothing was begun here, and who acts if that is known.
    Again(Option<Incarnation>),
    /// Its sender is told that nothing was begun here, since too much is kept.
    Overloaded,
    /// Nothing: another node has it as well.
    Ignore,
}

/// The limit of one shard's requests that a node keeps while the shard moves; requests beyond it
/// are turned away as overloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The number of requests.
    pub requests: usize,
    /// The bytes, about.
    pub bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { requests: 10_000, bytes: 16 * 1024 * 1024 }
    }
}

/// What a node does with the requests for one shard, and what it keeps of them.
#[derive(Debug)]
pub(crate) struct Gate<T> {
    me: Incarnation,
    stance: Stance,
    room: Room,
    kept: Vec<T>,
    bytes: usize,
}

impl<T> Gate<T> {
    pub(crate) fn new(me: Incarnation, room: Room) -> Self {
        Self { me, stance: Stance::Closed, room, kept: Vec::new(), bytes: 0 }
    }

    pub(crate) fn stance(&self) -> Stance {
        self.stance
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// What to do with a request that may be acted on by `to` alone, or by whoever acts, and takes so many bytes.
    pub(crate) fn arrive(&self, to: Option<Incarnation>, size: usize) -> Verdict {
        let mine = to.is_none_or(|to| to == self.me);
        match self.stance {
            Stance::Acting if mine => Verdict::Act,
            // Whoever it is for may begin it, but not this node: its sender learns whom to ask.
            Stance::Acting => Verdict::Again(Some(self.me)),
            Stance::Preparing | Stance::Holding(_) if mine => {
                let has_room = self.kept.len() < self.room.requests && self.bytes + size <= self.room.bytes;
                if has_room { Verdict::Keep } else { Verdict::Overloaded }
            }
            // Its predecessor acts on it or forwards it.
            Stance::Preparing => Verdict::Ignore,
            Stance::Forwarding(successor) if mine => Verdict::Forward(successor),
            // The successor listens, so it has it.
            Stance::Holding(successor) | Stance::Forwarding(successor) if to == Some(successor) => {
                Verdict::Ignore
            }
            Stance::Holding(successor) | Stance::Forwarding(successor) => Verdict::Again(Some(successor)),
            Stance::Closed if to == Some(self.me) => Verdict::Again(None),
            Stance::Closed => Verdict::Ignore,
        }
    }

    /// Keeps a request that [`arrive`](Self::arrive) said to keep.
    pub(crate) fn keep(&mut self, request: T, size: usize) {
        self.kept.push(request);
        self.bytes += size;
    }

    /// Changes the stance. What was kept is given out, in the order in which it came, if the new stance keeps nothing.
    pub(crate) fn set(&mut self, stance: Stance) -> Vec<T> {
        self.stance = stance;
        if stance.keeps() {
            return Vec::new();
        }
        self.bytes = 0;
        std::mem::take(&mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn node(number: u128) -> Incarnation {
        Uuid::from_u128(number).into()
    }

    fn gate(stance: Stance) -> Gate<u32> {
        let mut gate = Gate::new(node(1), Room { requests: 2, bytes: 100 });
        gate.set(stance);
        gate
    }

    #[test]
    fn every_stance_knows_what_to_do_with_every_request() {
        let (me, successor, other) = (node(1), node(2), node(3));
        let (nobody, to_me, to_successor, to_other) = (None, Some(me), Some(successor), Some(other));
        let table = [
            (Stance::Closed, nobody, Verdict::Ignore),
            (Stance::Closed, to_me, Verdict::Again(None)),
            (Stance::Closed, to_other, Verdict::Ignore),
            (Stance::Preparing, nobody, Verdict::Keep),
            (Stance::Preparing, to_me, Verdict::Keep),
            (Stance::Preparing, to_other, Verdict::Ignore),
            (Stance::Acting, nobody, Verdict::Act),
            (Stance::Acting, to_me, Verdict::Act),
            (Stance::Acting, to_other, Verdict::Again(Some(me))),
            (Stance::Holding(successor), nobody, Verdict::Keep),
            (Stance::Holding(successor), to_me, Verdict::Keep),
            (Stance::Holding(successor), to_successor, Verdict::Ignore),
            (Stance::Holding(successor), to_other, Verdict::Again(Some(successor))),
            (Stance::Forwarding(successor), nobody, Verdict::Forward(successor)),
            (Stance::Forwarding(successor), to_me, Verdict::Forward(successor)),
            (Stance::Forwarding(successor), to_successor, Verdict::Ignore),
            (Stance::Forwarding(successor), to_other, Verdict::Again(Some(successor))),
        ];
        for (stance, to, verdict) in table {
            assert_eq!(gate(stance).arrive(to, 1), verdict, "{stance:?}, {to:?}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_by_count_and_by_bytes() {
        let mut gate = gate(Stance::Preparing);
        assert_eq!(gate.arrive(None, 101), Verdict::Overloaded);
        gate.keep(1, 60);
        assert_eq!(gate.arrive(None, 60), Verdict::Overloaded);
        assert_eq!(gate.arrive(None, 40), Verdict::Keep);
        gate.keep(2, 1);
        assert_eq!(gate.arrive(None, 1), Verdict::Overloaded);
        assert_eq!(gate.set(Stance::Acting), [1, 2]);
        gate.set(Stance::Holding(node(2)));
        assert_eq!(gate.arrive(None, 100), Verdict::Keep);
    }

    #[test]
    fn what_is_kept_comes_out_in_order_and_once() {
        let mut gate = gate(Stance::Preparing);
        gate.keep(1, 1);
        // It has to give the shard away before it has it.
        assert!(gate.set(Stance::Holding(node(2))).is_empty());
        gate.keep(2, 1);
        assert_eq!(gate.set(Stance::Forwarding(node(2))), [1, 2]);
        assert!(gate.set(Stance::Closed).is_empty());
        assert_eq!(gate.kept(), 0);
        assert_eq!(gate.stance(), Stance::Closed);
    }
}
