//! The audit: from the log alone, whether the bank is in order, and whether everybody was told the truth.

use std::collections::HashSet;

use uuid::Uuid;

use super::bank::Refusal;
use super::books::{Books, Transfer};
use super::desk::Closed;
use super::said::{Answer, Way};
use crate::report::Report;

impl Books {
    /// Compares with what everybody was told.
    pub(super) fn audit(
        &self,
        scenario: &'static str,
        closed: &[Closed],
        receipts: &[(Uuid, Uuid)],
        report: &mut Report,
    ) {
        self.told(scenario, closed, report);
        self.money(scenario, report);
        self.steps(scenario, report);
        self.receipts(scenario, receipts, report);
    }

    /// Whether every answer is backed by events.
    fn told(&self, scenario: &'static str, closed: &[Closed], report: &mut Report) {
        let count =
            |wanted: fn(&Closed) -> bool| closed.iter().filter(|closed| wanted(closed)).count() as u64;
        report.count(scenario, "orders answered", closed.len() as u64);
        report.count(scenario, "of those, by a process", count(|c| c.order.way == Way::Process));
        report.count(scenario, "of those, in a transaction", count(|c| c.order.way == Way::Transaction));
        report.count(scenario, "of those, sent more than once", count(|c| c.sent > 1));
        report.count(scenario, "of those, refused", count(|c| matches!(c.answer, Answer::Refused(_))));
        report.count(scenario, "of those, too long ago to tell", count(|c| c.answer == Answer::WindowPassed));
        report.never(
            scenario,
            "answers that should not be",
            count(|c| matches!(c.answer, Answer::Failed(_))),
        );
        for failed in closed.iter().filter(|closed| matches!(closed.answer, Answer::Failed(_))).take(5) {
            println!("  {failed:?}");
        }
        let none = Transfer::default();
        let (mut missing, mut differing, mut refused_there) = (0, 0, 0);
        for Closed { order, answer, .. } in closed {
            let there = self.transfers.get(&order.id).unwrap_or(&none);
            let signed = i64::try_from(order.cents).unwrap_or(i64::MAX);
            match answer {
                Answer::Done { left } => {
                    let stands = match order.way {
                        Way::Process => there.debited == [order.cents],
                        Way::Transaction => {
                            there.moved.len() == 2
                                && there.moved.contains(&signed)
                                && there.moved.contains(&-signed)
                        }
                    };
                    missing += u64::from(!stands);
                    differing += u64::from(stands && there.left != Some(*left));
                }
                Answer::Refused(Refusal::Overdrawn { .. } | Refusal::Closed) if there != &none => {
                    refused_there += 1;
                }
                _ => {}
            }
        }
        report.never(scenario, "acknowledged transfers that are not in the log", missing);
        report.never(scenario, "replies that differ from the log", differing);
        report.never(scenario, "refused transfers that are in the log", refused_there);
    }

    fn money(&self, scenario: &'static str, report: &mut Report) {
        let in_accounts: u64 = self.accounts.values().map(|account| account.cents).sum();
        report.count(scenario, "accounts", self.accounts.len() as u64);
        report.count(scenario, "cents opened with", self.opened);
        report.never(scenario, "cents made or lost", self.opened.abs_diff(in_accounts));
        report.never(scenario, "accounts that paid more than was there", self.overdrawn);
        let twice = self.commands.values().filter(|times| **times > 1).count() as u64;
        report.count(scenario, "commands in the log", self.commands.len() as u64);
        report.never(scenario, "commands executed more than once", twice);
    }

    fn steps(&self, scenario: &'static str, report: &mut Report) {
        let count =
            |wanted: fn(&Transfer) -> bool| self.transfers.values().filter(|t| wanted(t)).count() as u64;
        report.count(scenario, "transfers by a process", count(|t| !t.debited.is_empty()));
        report.count(scenario, "of those, arrived", count(|t| t.arrived > 0));
        report.count(scenario, "of those, turned back and returned", count(|t| t.returned > 0));
        report.count(scenario, "transfers in a transaction", count(|t| !t.moved.is_empty()));
        report.never(scenario, "transfers debited more than once", count(|t| t.debited.len() > 1));
        report.never(
            scenario,
            "transfers neither credited nor refunded, or more than once",
            count(|t| !t.debited.is_empty() && t.credited.len() + t.refunded.len() != 1),
        );
        report.never(
            scenario,
            "transfers whose sides differ",
            count(|t| {
                t.moved.iter().sum::<i64>() != 0
                    || t.credited.iter().chain(&t.refunded).any(|cents| Some(cents) != t.debited.first())
            }),
        );
        report.never(
            scenario,
            "processes that did not end, or ended twice",
            count(|t| !t.debited.is_empty() && t.arrived + t.returned != 1),
        );
        let debits = self.transfers.values().map(|transfer| transfer.debited.len() as u64).sum::<u64>();
        report.count(scenario, "timers set", self.timers);
        report.never(scenario, "debits without a timer, or with two", self.timers.abs_diff(debits));
        report.never(scenario, "timers without an effect", count(|t| t.settled < t.debited.len() as u64));
        report.never(
            scenario,
            "timers with more than one effect",
            count(|t| t.settled > t.debited.len() as u64),
        );
    }

    fn receipts(&self, scenario: &'static str, receipts: &[(Uuid, Uuid)], report: &mut Report) {
        let handed_out: HashSet<Uuid> = receipts.iter().map(|(effect, _)| *effect).collect();
        report.count(scenario, "effects declared", self.effects.len() as u64);
        report.count(scenario, "effects done again", (receipts.len() - handed_out.len()) as u64);
        report.never(
            scenario,
            "effects that were not done",
            self.effects.difference(&handed_out).count() as u64,
        );
        report.never(
            scenario,
            "effects done that nobody declared",
            handed_out.difference(&self.effects).count() as u64,
        );
    }
}
