//! What failures of a scenario look like: the difference between what was expected and what is.

use std::fmt::{Debug, Write};

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
