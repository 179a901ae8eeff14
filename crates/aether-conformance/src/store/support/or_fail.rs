//! [`OrFail`]: what a rule takes for granted.

use std::error::Error;
use std::fmt::{Display, Write};

use aether_core::Source;

/// The value, or a broken rule.
pub(crate) trait OrFail<T> {
    /// The value; otherwise the rule fails with `doing` and the whole chain of causes.
    fn or_fail(self, doing: impl Display) -> T;
}

impl<T, E: Into<Source>> OrFail<T> for Result<T, E> {
    #[track_caller]
    fn or_fail(self, doing: impl Display) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{doing} failed: {}", chain(&*error.into())),
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

/// An error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
