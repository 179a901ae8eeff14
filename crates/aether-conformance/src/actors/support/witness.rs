//! What the code of the test actor was asked to do, and may do: told past the runtime, by names that nobody else uses.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

static DECISIONS: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);
static MENDED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that nobody else uses.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::now_v7())
}

/// Notes that a command of this tag is decided.
pub(super) fn decided(tag: &str) {
    if !tag.is_empty() {
        *locked(&DECISIONS).entry(tag.to_owned()).or_default() += 1;
    }
}

/// How often a command of this tag was decided.
pub(crate) fn decisions(tag: &str) -> usize {
    locked(&DECISIONS).get(tag).copied().unwrap_or_default()
}

/// From now on `evolve` takes events that are broken under this key.
pub(crate) fn mend(key: &str) {
    locked(&MENDED).insert(key.to_owned());
}

pub(super) fn is_mended(key: &str) -> bool {
    locked(&MENDED).contains(key)
}
