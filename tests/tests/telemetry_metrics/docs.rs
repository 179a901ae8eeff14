//! That the documentation and the dashboard say what the code does.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aether_telemetry::metrics::{Kind, METRICS, Metric};
use serde_json::Value;

/// With this set, the documentation is written anew instead of compared.
const UPDATE: &str = "AETHER_UPDATE_DOCS";
const BEGIN: &str =
    "<!-- The table of crates/aether-telemetry/src/metrics/table.rs; written by the tests. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn table() -> String {
    let mut table = String::from("| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for Metric { name, kind, unit, labels, meaning, .. } in METRICS {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (kind, labels) = (kind.as_str(), labels.join(", "));
        table += &format!("| `{name}` | {kind} | {unit} | {labels} | {meaning} |\n");
    }
    table
}

#[test]
fn every_metric_is_documented_as_it_is() {
    let path = in_repository("docs/metrics.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = docs.split_once(BEGIN).unwrap();
    let (documented, after) = rest.split_once(END).unwrap();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert!(documented == table(), "docs/metrics.md is not up to date: run this test with {UPDATE}=1");
}

/// What an expression asks for: metrics, each with the labels that it selects by.
fn metrics_of(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices("aether_") {
        // A part of another name, or a text.
        if expression[..at].chars().next_back().is_some_and(|c| is_name(c) || c == '"') {
            continue;
        }
        let (name, rest) = expression[at..].split_at(expression[at..].find(|c| !is_name(c)).unwrap());
        let selector =
            rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        let labels = selector.split(',').filter_map(|matcher| matcher.split(['=', '!']).next());
        let labels = labels.map(str::trim).filter(|label| !label.is_empty());
        found.push((name.to_owned(), labels.map(str::to_owned).collect()));
    }
    found
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if ["expr", "query", "definition"].contains(&name.as_str()) => {
                        found.push(text.clone());
                    }
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

/// The metric that a series belongs to: a histogram has three.
fn metric_of(series: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| match metric.kind {
        Kind::Histogram => {
            ["_bucket", "_sum", "_count"].iter().any(|end| series.strip_suffix(end) == Some(metric.name))
        }
        _ => series == metric.name,
    })
}

#[test]
fn the_dashboard_asks_for_every_metric_and_for_nothing_else() {
    let dashboard = std::fs::read(in_repository("dashboards/aether.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let mut all = Vec::new();
    expressions(&dashboard, &mut all);
    let mut used = BTreeSet::new();
    for expression in &all {
        assert_eq!(expression.matches('(').count(), expression.matches(')').count(), "{expression}");
        for (series, labels) in metrics_of(expression) {
            let metric = metric_of(&series).unwrap_or_else(|| panic!("there is no {series}: {expression}"));
            for label in labels {
                assert!(metric.labels.contains(&&*label), "{series} has no label {label}: {expression}");
            }
            used.insert(metric.name);
        }
    }
    let unused: Vec<_> = METRICS.iter().filter(|metric| !used.contains(metric.name)).collect();
    assert!(unused.is_empty(), "not on the dashboard: {unused:#?}");
}

#[test]
fn metrics_are_found_in_expressions() {
    let expression = "sum by (le) (rate(aether_a_bucket{namespace=~\"$n\", store!=\"x\"}[5m])) / not_aether_b + aether_c + \"aether_d\"";
    let expected = [("aether_a_bucket", vec!["namespace", "store"]), ("aether_c", vec![])];
    let found = metrics_of(expression);
    let found: Vec<_> =
        found.iter().map(|(name, labels)| (&**name, labels.iter().map(|l| &**l).collect())).collect();
    assert_eq!(found, expected);
}
