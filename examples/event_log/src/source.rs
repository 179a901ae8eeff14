//! Where the log comes from: a file, plain or compressed, or the sample.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, Result};
use flate2::bufread::MultiGzDecoder;

/// An order process of twelve cases, made up for this example.
static SAMPLE: &[u8] = include_bytes!("../sample.xes");

/// The first bytes of all gzip data.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Where the log comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The sample that ships with the example.
    Sample,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The log as text, decompressed if its first bytes say gzip.
    pub(crate) fn open(&self) -> Result<Box<dyn BufRead>> {
        let path = match self {
            Self::Sample => return Ok(Box::new(SAMPLE)),
            Self::File(path) => path,
        };
        let file = File::open(path).context("it cannot be opened, give the path of an XES log")?;
        let mut file = BufReader::with_capacity(64 * 1024, file);
        let start = file.fill_buf().context("it cannot be read, give the path of an XES log")?;
        if start.starts_with(&GZIP) {
            return Ok(Box::new(BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(file))));
        }
        Ok(Box::new(file))
    }

    /// The name of a log that does not say its own.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Sample => "sample".to_owned(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sample => f.write_str("the sample"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
