//! Tests that cross the crates of the workspace live in `tests/`.

/// The code in `docs/tracing.md`, which needs OpenTelemetry, is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/tracing.md")]
mod tracing {}
