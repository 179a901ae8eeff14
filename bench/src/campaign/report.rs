//! What a campaign counted: a table, and the same as JSON.

use std::path::Path;

use serde::Serialize;

/// Everything that was counted.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    scenario: &'static str,
    name: String,
    value: u64,
    /// What the value must be.
    required: Option<String>,
    violated: bool,
}

impl Report {
    /// Something that happened so often.
    pub(crate) fn count(&mut self, scenario: &'static str, name: impl Into<String>, value: u64) {
        self.push(scenario, name.into(), value, None, false);
    }

    /// Something that must never happen.
    pub(crate) fn never(&mut self, scenario: &'static str, name: impl Into<String>, value: u64) {
        self.push(scenario, name.into(), value, Some("0".into()), value != 0);
    }

    /// Something that must happen so often at least.
    pub(crate) fn at_least(
        &mut self,
        scenario: &'static str,
        name: impl Into<String>,
        value: u64,
        least: u64,
    ) {
        self.push(scenario, name.into(), value, Some(format!("at least {least}")), value < least);
    }

    fn push(
        &mut self,
        scenario: &'static str,
        name: String,
        value: u64,
        required: Option<String>,
        violated: bool,
    ) {
        self.0.push(Row { scenario, name, value, required, violated });
    }

    /// Prints the table, writes the file, and tells whether nothing was violated.
    pub(crate) fn finish(&self, suite: &str, seed: u64) -> anyhow::Result<bool> {
        println!("\ncampaign {suite}, seed {seed}\n");
        for row in &self.0 {
            let required = row.required.as_deref().unwrap_or("");
            let verdict = match (row.violated, required.is_empty()) {
                (true, _) => "VIOLATED",
                (false, true) => "",
                (false, false) => "ok",
            };
            println!("{:<12} {:<62} {:>9}  {required:<15} {verdict}", row.scenario, row.name, row.value);
        }
        let folder = Path::new("target/campaign");
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{suite}.json")), serde_json::to_vec_pretty(&self.0)?)?;
        let violations = self.0.iter().filter(|row| row.violated).count();
        println!("\n{} counts, {violations} violations", self.0.len());
        Ok(violations == 0)
    }
}
