//! Askers that hammer lists of numbers, and the judge of what was asked and answered: the same as in the tests.

#[path = "../../../../tests/tests/actor_history/hammer.rs"]
pub(crate) mod hammer;
#[path = "../../../../tests/tests/actor_history/history.rs"]
pub(crate) mod history;
#[path = "../../../../tests/tests/actor_history/list.rs"]
pub(crate) mod list;
