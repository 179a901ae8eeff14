//! Panics of an application's code: caught, and reported by their message.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs an application's code. Returns the message if it panics.
///
/// What the code had in its hands when it panicked must not be used any more: the callers drop it.
///
/// # Errors
/// The [message] of the panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(&*panic).to_owned())
}

/// Returns the message of a panic.
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
