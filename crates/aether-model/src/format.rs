//! Boards from and to YAML and JSON, and [`FormatError`].

use std::fmt;

#[cfg(any(feature = "json", feature = "yaml"))]
use crate::Board;

/// The reason why a board could not be read or written. Shown, also by `Debug`, with the line and what is expected there.
///
/// What is wrong *on* the board is not said by this, but by
/// [`Board::validate`](crate::Board::validate).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The text is not a board.
    #[error("this is not a board in {format}: {problem}")]
    Read {
        /// The format: `YAML` or `JSON`.
        format: &'static str,
        /// Where the text is wrong, and what is expected there.
        problem: String,
    },
    /// The board cannot be written in this format.
    #[error("the board cannot be written in {format}: {problem}")]
    Write {
        /// The format: `YAML` or `JSON`.
        format: &'static str,
        /// Why.
        problem: String,
    },
}

impl fmt::Debug for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FormatError {
    /// Returns whether the text is not a board.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// Returns whether the board could not be written.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}

#[cfg(feature = "yaml")]
impl Board {
    /// Reads a board in YAML (feature `yaml`).
    ///
    /// # Errors
    /// [`FormatError::Read`] with the line. Keys that no board has are refused, since they are misspelt.
    pub fn from_yaml(yaml: &str) -> Result<Self, FormatError> {
        // A note may say "yes" or "on".
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(yaml, options).map_err(|error| read("YAML", error))
    }

    /// The board in YAML (feature `yaml`).
    ///
    /// # Errors
    /// [`FormatError::Write`]: no board that was read or built is known to cause it.
    pub fn to_yaml(&self) -> Result<String, FormatError> {
        serde_saphyr::to_string(self).map_err(|error| write("YAML", error))
    }
}

#[cfg(feature = "json")]
impl Board {
    /// Reads a board in JSON (feature `json`).
    ///
    /// # Errors
    /// [`FormatError::Read`] with the line. Keys that no board has are refused, since they are misspelt.
    pub fn from_json(json: &str) -> Result<Self, FormatError> {
        serde_json::from_str(json).map_err(|error| read("JSON", error))
    }

    /// The board in JSON (feature `json`).
    ///
    /// # Errors
    /// [`FormatError::Write`]: no board that was read or built is known to cause it.
    pub fn to_json(&self) -> Result<String, FormatError> {
        serde_json::to_string_pretty(self).map_err(|error| write("JSON", error))
    }
}

#[cfg(any(feature = "json", feature = "yaml"))]
fn read(format: &'static str, error: impl fmt::Display) -> FormatError {
    FormatError::Read { format, problem: error.to_string() }
}

#[cfg(any(feature = "json", feature = "yaml"))]
fn write(format: &'static str, error: impl fmt::Display) -> FormatError {
    FormatError::Write { format, problem: error.to_string() }
}
