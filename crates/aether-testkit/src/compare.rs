//! Comparisons: the difference between what was expected and what is, and values that come back as they were written.

use std::fmt::{Debug, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use similar::{ChangeTag, TextDiff};

/// Panics with the difference, if there is one.
#[track_caller]
pub(super) fn assert_same<T: Debug + ?Sized, U: Debug + ?Sized>(
    what: &str,
    same: bool,
    expected: &U,
    actual: &T,
) {
    if !same {
        panic!(
            "{what} (- expected, + actual):\n{}",
            diff(&format!("{expected:#?}"), &format!("{actual:#?}"))
        );
    }
}

fn diff(expected: &str, actual: &str) -> String {
    let mut out = String::new();
    for change in TextDiff::from_lines(expected, actual).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{sign} {}", change.value().trim_end_matches('\n'));
    }
    if expected == actual {
        out.push_str("(they look the same, and `==` says that they are not)\n");
    }
    out
}

/// The value as it arrives, once it was written as JSON and read again.
#[track_caller]
pub(super) fn there_and_back<T: Serialize + DeserializeOwned>(what: &str, value: &T) -> T {
    read(what, &json(what, value))
}

/// The value as it is written.
#[track_caller]
pub(super) fn json<T: Serialize>(what: &str, value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(json) => json,
        Err(error) => panic!("{what} cannot be written as JSON: {error}"),
    }
}

/// What was written as JSON, as a value.
#[track_caller]
pub(super) fn read<T: DeserializeOwned>(what: &str, json: &str) -> T {
    match serde_json::from_str(json) {
        Ok(value) => value,
        Err(error) => panic!("{what} was written as {json}, which cannot be read again: {error}"),
    }
}

/// Panics unless a value came back from where it was kept as it was.
#[track_caller]
pub(super) fn assert_kept<T: PartialEq + Debug>(what: &str, written: &T, read: &T) {
    assert_same(&format!("{what} does not come back as it was"), written == read, written, read);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_is_there_and_what_is_not() {
        let expected = format!("{:#?}", [1, 2]);
        let actual = format!("{:#?}", [1, 3]);
        assert_eq!(diff(&expected, &actual), "  [\n      1,\n-     2,\n+     3,\n  ]\n");
    }
}
