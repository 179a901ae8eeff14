//! What is said in the end.

use std::fmt::Write;
use std::time::Duration;

use crate::audit::Books;
use crate::outcomes::Counts;

/// What there is to say.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) accounts: u64,
    pub(crate) transfers: u64,
    pub(crate) took: Duration,
    pub(crate) kills: u64,
    pub(crate) outcomes: Counts,
    pub(crate) books: Books,
    /// In cents, as the accounts answer.
    pub(crate) on_accounts: u64,
    /// In cents, as the projection has it.
    pub(crate) in_projection: u64,
}

impl Report {
    /// What is wrong; nothing, if all is well.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = self.books.complaints();
        let total = self.books.total();
        for (who, says) in [("the accounts", self.on_accounts), ("the projection", self.in_projection)] {
            if says != total {
                complaints.push(format!("{who} say {says} cents, the log says {total}"));
            }
        }
        let (requested, ended) = (self.books.requested, self.outcomes.ended());
        if requested != ended {
            complaints.push(format!("{requested} transfers were requested, and {ended} have ended"));
        }
        complaints
    }

    /// The report as a text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Self { accounts, transfers, took, kills, outcomes, books, .. } = self;
        let seconds = took.as_secs_f64();
        let rate = *transfers as f64 / seconds;
        writeln!(
            out,
            "{transfers} transfers between {accounts} accounts in {seconds:.1} s, {rate:.0} a second"
        )?;
        if *kills > 0 {
            writeln!(out, "meanwhile the server was killed {kills} times")?;
        }
        writeln!(out)?;
        writeln!(out, "{:>12}  completed", outcomes.completed)?;
        writeln!(out, "{:>12}  refused: not covered, or frozen", outcomes.refused)?;
        writeln!(out, "{:>12}  returned: the receiver was frozen", outcomes.returned)?;
        writeln!(out, "{:>12}  accounts frozen, {} unfrozen by their timers", books.frozen, books.unfrozen)?;
        writeln!(out)?;
        writeln!(out, "{:>12}  paid in", euros(books.paid_in - books.paid_out))?;
        writeln!(out, "{:>12}  on the accounts, by the log", euros(books.total()))?;
        writeln!(out, "{:>12}  on the accounts, as they answer", euros(self.on_accounts))?;
        writeln!(out, "{:>12}  on the accounts, by the projection", euros(self.in_projection))?;
        writeln!(out)?;
        let complaints = self.complaints();
        if complaints.is_empty() {
            return writeln!(out, "The books balance: no money made or lost, every step was done once.");
        }
        writeln!(out, "THE BOOKS DO NOT BALANCE:")?;
        complaints.iter().try_for_each(|complaint| writeln!(out, "  {complaint}"))
    }
}

fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
