//! What the rules have in common.

mod counter;
mod probe;
mod world;

pub(crate) use counter::{
    Add, AddFrom, AddUpTo, Counter, CounterError, CounterEvent, CounterOf, Look, Origin, PanicInAnswer,
    PanicInDecide, PanicInEvolve, Say, Tags, Total, add, decisions, mend, tagged, unique,
};
pub(crate) use probe::{Fault, Probe};
pub(crate) use world::{ManualClock, World, actor, options, until};

pub(crate) use crate::checks::OrFail;
