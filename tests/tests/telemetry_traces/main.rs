//! Traces, as OpenTelemetry gets them: what the spans say, and that one trace crosses from a save to those who handle its
//! events, also in another process.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod actors;
mod handlers;
mod process;
mod spans;
mod tracing_setup;
