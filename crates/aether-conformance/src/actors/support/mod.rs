//! What the rules have in common.

mod clock;
mod counter;
mod gate;
mod or_fail;
mod probe;
mod until;
mod witness;
mod world;

pub(crate) use clock::ManualClock;
pub(crate) use counter::{
    Add, AddFrom, AddUpTo, Counter, CounterError, CounterEvent, CounterOf, Look, Origin, PanicInAnswer,
    PanicInDecide, PanicInEvolve, Say, Tags, Total, add, tagged,
};
pub(crate) use or_fail::OrFail;
pub(crate) use probe::{Fault, Probe};
pub(crate) use until::until;
pub(crate) use witness::{decisions, mend, unique};
pub(crate) use world::{World, actor, options};
