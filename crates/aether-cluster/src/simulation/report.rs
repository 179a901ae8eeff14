//! [`Counts`] and [`Violation`]: what came of a simulated cluster.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How often what has happened, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// How often this has happened.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Together with those of another run.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in other.iter() {
            self.count(name, count);
        }
    }

    pub(super) fn count(&mut self, name: &'static str, times: u64) {
        *self.0.entry(name).or_default() += times;
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// What the run was made from.
    pub seed: u64,
    /// When it was noticed, in simulated time.
    pub at: Duration,
    /// What is wrong.
    pub what: String,
    /// What has happened last; empty unless the run was [traced](super::trace).
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: after {:.3} s: {}", self.seed, self.at.as_secs_f64(), self.what)
    }
}

impl std::error::Error for Violation {}
