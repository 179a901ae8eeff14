//! [`Problems`] on a board, and [`Mismatches`] between a board and code: each with its place, and what to do about it.

use std::fmt;

use crate::{Name, Sticky};

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// A remark, about names and habits.
    Hint,
    /// Something that leads nowhere. The board can be built as it is, but something may have been forgotten.
    Warning,
    /// The board contradicts itself, or the grammar.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place on the board.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// The board itself.
    Board(Name),
    /// A context.
    Context(Name),
    /// A note.
    Note(Sticky),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board(name) => write!(f, "board `{name}`"),
            Self::Context(name) => write!(f, "context `{name}`"),
            Self::Note(note) => note.fmt(f),
        }
    }
}

/// One thing that is wrong on a board.
///
/// Shown on two lines: how bad, where and what it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The severity of the problem.
    pub severity: Severity,
    /// The place of the problem.
    pub place: Place,
    /// A description of the problem.
    pub what: String,
    /// Advice on what to do about it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, place, what, help } = self;
        write!(f, "{severity}: {place}: {what}\n  help: {help}")
    }
}

/// All that is wrong on a board: at least one [`Severity::Error`], and the warnings and hints as well.
///
/// Shown, also by `Debug`, with a problem after the other, so that a test that unwraps it says what to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Problems {
    board: Name,
    problems: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(board: Name, problems: Vec<Problem>) -> Self {
        Self { board, problems }
    }

    /// Returns the problems, in the order of the board.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the problems, in the order of the board.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let noun = if errors == 1 { "error" } else { "errors" };
        write!(f, "board `{}` has {errors} {noun}", self.board)?;
        for problem in &self.problems {
            write!(f, "\n{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problems {}

/// The side that lacks something that the other has.
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
    /// The side that lacks it.
    pub lacks: Lacks,
    /// The note on the board that it is about. For code that is not on the board: the note that it would be.
    pub note: Sticky,
    /// A description of the difference.
    pub what: String,
    /// Advice on what to do about it.
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
