//! [`Report`]: the table that is printed as it grows, and the file that is left behind.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Serialize, Serializer};

/// What a ratio is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(goal) => ratio >= goal,
            Self::AtMost(goal) => ratio <= goal,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "≥ {goal:.2}"),
            Self::AtMost(goal) => write!(f, "≤ {goal:.2}"),
        }
    }
}

impl Serialize for Goal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    ratio: Option<f64>,
    goal: Option<Goal>,
    met: Option<bool>,
    #[serde(skip)]
    note: String,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (name, note) = (name.into(), String::new());
        Self { name, value, unit, baseline: None, ratio: None, goal: None, met: None, note }
    }

    /// The same of what it is compared with; the ratio is value to baseline, and 1 if both are nothing.
    pub(crate) fn against(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self.ratio = Some(if self.value == baseline { 1.0 } else { self.value / baseline });
        self
    }

    /// What the ratio is to be.
    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.met = self.ratio.map(|ratio| goal.is_met(ratio));
        self.goal = Some(goal);
        self
    }

    /// A sentence that explains the figure.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>| value.map_or_else(String::new, short);
        let goal = self.goal.map_or_else(String::new, |goal| goal.to_string());
        let met = self.met.map_or("", |met| if met { "met" } else { "MISSED" });
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let (value, baseline) = (short(self.value), number(self.baseline));
        write!(
            f,
            "{:<58} {value:>10} {baseline:>10} {:<9} {ratio:>7} {goal:>8}  {met}",
            self.name, self.unit
        )?;
        if !self.note.is_empty() {
            write!(f, "\n    {}", self.note)?;
        }
        Ok(())
    }
}

/// A figure with three digits or so.
fn short(value: f64) -> String {
    match value {
        v if v >= 10_000.0 => format!("{:.1}k", v / 1000.0),
        v if v >= 100.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

impl Report {
    /// Starts the table.
    pub(crate) fn begin() -> Self {
        println!(
            "{:<58} {:>10} {:>10} {:<9} {:>7} {:>8}",
            "what", "Aether", "baseline", "unit", "ratio", "goal"
        );
        Self::default()
    }

    /// Prints the row and keeps it.
    pub(crate) fn add(&mut self, row: Row) {
        println!("{row}");
        self.0.push(row);
    }

    /// Writes the rows as JSON.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let folder = path.parent().context("the report has no folder")?;
        fs::create_dir_all(folder)?;
        fs::write(path, serde_json::to_vec_pretty(&self.0)?)
            .with_context(|| format!("writing {}", path.display()))?;
        println!("written to {}", path.display());
        Ok(())
    }
}
