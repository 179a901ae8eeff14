//! [`Mismatch`] and [`Mismatches`]: where board and code differ.

use std::fmt;

use crate::Sticky;

/// Which of the two lacks something that the other has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lacks {
    /// The board has it, the code does not.
    Code,
    /// The code has it, the board does not.
    Board,
}

/// One difference between board and code.
///
/// Shown on two lines: what differs, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Which of the two lacks it.
    pub lacks: Lacks,
    /// The note on the board that it is about. For code that is not on the board: the note that it would be.
    pub note: Sticky,
    /// What differs.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.what, self.help)
    }
}

/// All differences between board and code, at least one.
///
/// Shown, also by `Debug`, with a difference after the other, so that a test that unwraps it says what to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatches(Vec<Mismatch>);

impl Mismatches {
    pub(crate) fn new(mismatches: Vec<Mismatch>) -> Self {
        Self(mismatches)
    }

    /// The differences: first what is on the board, in its order, then code that is not on it.
    #[must_use]
    pub fn as_slice(&self) -> &[Mismatch] {
        &self.0
    }

    /// The differences: first what is on the board, in its order, then code that is not on it.
    pub fn iter(&self) -> std::slice::Iter<'_, Mismatch> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Mismatches {
    type Item = &'a Mismatch;
    type IntoIter = std::slice::Iter<'a, Mismatch>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Mismatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("board and code differ in 1 place")?,
            several => write!(f, "board and code differ in {several} places")?,
        }
        for mismatch in &self.0 {
            write!(f, "\n{mismatch}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Mismatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Mismatches {}
