//! [`Proof`]: what the log says of the money and of the commands, held against what customers were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use aether::ReadFrom;
use aether::actor::{CommandId, Store};
use anyhow::{Context, Result};
use futures_util::TryStreamExt;

use crate::audit::Books;
use crate::load::Load;
use crate::tally::Counted;

/// What has to be so, and whether it is.
#[derive(Debug)]
pub(crate) struct Proof(Vec<Claim>);

#[derive(Debug)]
struct Claim {
    holds: bool,
    claim: &'static str,
    evidence: String,
}

impl Proof {
    /// Reads the whole log, and asks all accounts.
    pub(crate) async fn of(load: &Load, counted: Counted, store: &dyn Store) -> Result<Self> {
        let books = Books::read(store).await?;
        let log = commands(store).await?;
        let in_log: BTreeSet<CommandId> = log.keys().copied().collect();
        let mut claims = Vec::new();
        let mut claim = |claim, holds, evidence| claims.push(Claim { holds, claim, evidence });

        let (paid_in, by_log, by_answers) = (load.paid_in(), books.total(), load.balances().await?);
        claim(
            "no money was made or lost",
            paid_in == books.paid_in && paid_in == by_log && paid_in == by_answers,
            format!(
                "{} paid in, {} on the accounts by the log, {} as they answer themselves",
                euros(paid_in),
                euros(by_log),
                euros(by_answers)
            ),
        );
        let complaints = books.complaints();
        claim(
            "what was taken for a transfer was given, once",
            complaints.is_empty(),
            complaints.first().map_or_else(|| "all of them".to_owned(), |first| format!("{first}, …")),
        );
        let acknowledged = counted.executed.len();
        let lost = counted.executed.difference(&in_log).count();
        claim(
            "no acknowledged command was lost",
            lost == 0,
            format!("{} of {acknowledged} are in the log", acknowledged - lost),
        );
        let twice = log.values().filter(|events| **events > 1).count();
        claim(
            "none was executed twice",
            twice == 0,
            format!("{} events of {} commands", log.values().sum::<usize>(), log.len()),
        );
        let unasked = in_log.difference(&counted.executed).count();
        claim(
            "nothing else was executed",
            unasked == 0,
            format!("{} were refused for want of money, {unasked} are in the log", counted.refused.len()),
        );
        let waiting = counted.waiting.len();
        claim(
            "no command failed",
            counted.failed == 0 && waiting == 0,
            match counted.last_failure {
                Some(last) => format!("{} failed, the last: {last}", counted.failed),
                None => format!("{} failed, {waiting} are without an answer", counted.failed),
            },
        );
        Ok(Self(claims))
    }

    /// Whether everything is as it has to be.
    pub(crate) fn holds(&self) -> bool {
        self.0.iter().all(|claim| claim.holds)
    }

    /// The proof as a text.
    pub(crate) fn text(&self) -> String {
        let mut out =
            String::from("Checked against the whole log, and all answers that customers were given:\n");
        for Claim { holds, claim, evidence } in &self.0 {
            let verdict = if *holds { "yes" } else { "NO" };
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {verdict:<5}{claim}: {evidence}");
        }
        out
    }
}

/// How many events stand in the log for each command.
async fn commands(store: &dyn Store) -> Result<BTreeMap<CommandId, usize>> {
    let mut commands = BTreeMap::new();
    let mut log = store.get_all(ReadFrom::Start, usize::MAX);
    while let Some(event) = log.try_next().await? {
        let id = event.metadata().command_id.as_deref().context("an event of no command")?;
        *commands.entry(id.parse()?).or_default() += 1;
    }
    Ok(commands)
}

fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
