//! The way of a value to where it is kept, or to somebody else, and back.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

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
    super::diff::assert_same(&format!("{what} does not come back as it was"), written == read, written, read);
}
