//! The report: the same text whatever store the events are in.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};
use std::sync::Arc;

use aether::ActorId;
use indicatif::HumanCount;
use time::Duration;

use crate::log::Log;
use crate::replay::Replayed;
use crate::state::CaseState;
use crate::throughput::{Step, table};

/// How many of the slowest cases are named, and how many differences.
const NAMED: usize = 10;

/// Writes the report on what was replayed.
pub(crate) fn report(
    log: &Log,
    replayed: &Replayed,
    throughput: &HashMap<String, Arc<Step>>,
) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let events: u64 = replayed.cases.iter().map(|(_, state)| state.events).sum();
    writeln!(out, "{}", log.name)?;
    writeln!(
        out,
        "{} events of {} cases are stored.",
        HumanCount(events),
        HumanCount(replayed.cases.len() as u64)
    )?;
    writeln!(out, "\nWhere the cases are\n{:>8}  last step", "cases")?;
    for (step, cases) in steps(&replayed.cases) {
        writeln!(out, "{:>8}  {step}", HumanCount(cases).to_string())?;
    }
    writeln!(out, "\nThe slowest cases\n{:>14}  {:>6}  case", "days", "events")?;
    for (actor, state) in slowest(&replayed.cases) {
        writeln!(out, "{:>14}  {:>6}  {actor}", days(state.duration()), state.events)?;
    }
    writeln!(out)?;
    table(&mut out, throughput)?;
    writeln!(out)?;
    agreement(&mut out, log, replayed)?;
    Ok(out)
}

/// How many cases are where, most first.
fn steps(cases: &[(ActorId, CaseState)]) -> Vec<(&str, u64)> {
    let mut steps: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, state) in cases {
        *steps.entry(&state.step).or_default() += 1;
    }
    let mut steps: Vec<(&str, u64)> = steps.into_iter().collect();
    steps.sort_by_key(|(_, cases)| Reverse(*cases));
    steps
}

fn slowest(cases: &[(ActorId, CaseState)]) -> Vec<&(ActorId, CaseState)> {
    let mut cases: Vec<_> = cases.iter().collect();
    cases.sort_by_key(|(actor, state)| (Reverse(state.duration()), actor.clone()));
    cases.truncate(NAMED);
    cases
}

fn days(duration: Duration) -> String {
    let seconds = duration.whole_seconds();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{}d {hours:02}:{minutes:02}:{:02}", seconds / 86_400, seconds % 60)
}

fn agreement(out: &mut String, log: &Log, replayed: &Replayed) -> fmt::Result {
    let (same, all) = (HumanCount(replayed.same as u64), HumanCount(log.event_count() as u64));
    let fields = "id, version, type, timestamp and data";
    if replayed.differences.is_empty() {
        return writeln!(out, "Store and log agree: {same} of {all} events have the same {fields}.");
    }
    writeln!(out, "STORE AND LOG DIFFER: {same} of {all} events have the same {fields}.")?;
    for difference in replayed.differences.iter().take(NAMED) {
        writeln!(out, "  {difference}")?;
    }
    let more = replayed.differences.len().saturating_sub(NAMED);
    if more > 0 {
        writeln!(out, "  and {more} more")?;
    }
    writeln!(
        out,
        "The stream holds another log's events of these cases: save this log under another --stream."
    )
}
