//! [`Op`]: one random operation. Numbers choose among what is there when the operation runs.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// How many actors take part.
pub(super) const ACTORS: usize = 3;
/// How many handles take part.
pub(super) const HANDLES: usize = 3;

/// Whether commits are over one actor or over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actors {
    One,
    Several,
}

/// An operation, through the handle of a number.
#[derive(Debug, Clone)]
pub(super) struct Op {
    pub(super) handle: usize,
    pub(super) what: What,
}

/// What an operation does.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Saves events.
    Save(Vec<PartOp>),
    /// Saves an attempt of before again, whether it had succeeded or not.
    Resend { attempt: usize },
    /// Saves an attempt of before again, with one more event.
    Overlap { attempt: usize },
    /// Saves a note alone, and maybe again.
    Note { actor: usize, on: HeadOf, again: bool },
    /// Reads events of an actor.
    Read { actor: usize, from: u64, backward: bool },
    /// Reads commits of an actor, after one of them.
    Commits { actor: usize, after: usize },
    /// Reads events of all actors, after one of them.
    All { after: usize, limit: usize },
    /// Confirms a head.
    Confirm { actor: usize, head: HeadOf },
    /// Lists the actors.
    Category,
}

/// One actor's part of a commit.
#[derive(Debug, Clone)]
pub(super) struct PartOp {
    pub(super) actor: usize,
    /// The first version, counted from one below the actor's.
    pub(super) start: u64,
    /// How far each event is above the one before.
    pub(super) steps: Vec<u64>,
    pub(super) expects: Expects,
    pub(super) note: Option<u8>,
}

/// What a part expects, said in terms of what is there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expects {
    Ascending,
    Exact { below: u64 },
    NoEvents,
    At(HeadOf),
}

/// Which head of an actor is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum HeadOf {
    Last,
    Earlier(usize),
}

/// A sequence of operations.
pub(super) fn sequence(actors: Actors) -> impl Strategy<Value = Vec<Op>> {
    let op = (0..HANDLES, what(actors)).prop_map(|(handle, what)| Op { handle, what });
    vec(op, 1..40)
}

fn what(actors: Actors) -> impl Strategy<Value = What> {
    let parts = match actors {
        Actors::One => vec(part(), 1).boxed(),
        Actors::Several => vec(part(), 1..=ACTORS).boxed(),
    };
    let actor = 0..ACTORS;
    prop_oneof![
        8 => parts.prop_map(What::Save),
        3 => any::<usize>().prop_map(|attempt| What::Resend { attempt }),
        1 => any::<usize>().prop_map(|attempt| What::Overlap { attempt }),
        2 => (actor.clone(), head(), any::<bool>()).prop_map(|(actor, on, again)| What::Note { actor, on, again }),
        2 => (actor.clone(), 0..12_u64, any::<bool>())
            .prop_map(|(actor, from, backward)| What::Read { actor, from, backward }),
        1 => (actor.clone(), any::<usize>()).prop_map(|(actor, after)| What::Commits { actor, after }),
        1 => (any::<usize>(), 0..6_usize).prop_map(|(after, limit)| What::All { after, limit }),
        2 => (actor, head()).prop_map(|(actor, head)| What::Confirm { actor, head }),
        1 => Just(What::Category),
    ]
}

fn part() -> impl Strategy<Value = PartOp> {
    let start = prop_oneof![6 => Just(2_u64), 1 => Just(1), 1 => Just(0), 1 => 3..5_u64];
    let steps = vec(1..3_u64, 0..3);
    let expects = prop_oneof![
        3 => Just(Expects::Ascending),
        3 => (0..2_u64).prop_map(|below| Expects::Exact { below }),
        1 => Just(Expects::NoEvents),
        3 => head().prop_map(Expects::At),
    ];
    let note = proptest::option::weighted(0.3, any::<u8>());
    (0..ACTORS, start, steps, expects, note).prop_map(|(actor, start, steps, expects, note)| PartOp {
        actor,
        start,
        steps,
        expects,
        note,
    })
}

fn head() -> impl Strategy<Value = HeadOf> {
    prop_oneof![3 => Just(HeadOf::Last), 1 => any::<usize>().prop_map(HeadOf::Earlier)]
}
