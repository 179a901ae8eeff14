//! [`OrFail`]: what a rule takes for granted.

use std::fmt::{Debug, Display};

/// The value, or a broken rule.
pub(crate) trait OrFail<T> {
    /// The value; otherwise the rule fails with `doing` and what is there instead.
    fn or_fail(self, doing: impl Display) -> T;
}

impl<T, E: Debug> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, doing: impl Display) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{doing} failed: {error:?}"),
        }
    }
}

impl<T> OrFail<T> for Option<T> {
    #[track_caller]
    fn or_fail(self, doing: impl Display) -> T {
        match self {
            Some(value) => value,
            None => panic!("{doing}: there is none"),
        }
    }
}
