//! Tests that cross the crates of the workspace live in `tests/`.
