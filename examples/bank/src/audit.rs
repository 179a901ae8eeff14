//! [`Books`]: what the log says, from the first event to the last. It is the judge of everything else.

use std::collections::BTreeMap;

use aether::ReadFrom;
use aether::actor::Store;
use aether::event::{UnknownEvents, decode_with};
use anyhow::Result;
use futures_util::TryStreamExt;

use crate::account::AccountEvent;

/// What the log says of money, transfers and freezes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// In cents.
    pub(crate) paid_in: u64,
    pub(crate) paid_out: u64,
    pub(crate) requested: u64,
    pub(crate) frozen: u64,
    pub(crate) unfrozen: u64,
    /// What is on each account.
    accounts: BTreeMap<String, u64>,
    /// What was taken and given for each transfer, in cents; and how often.
    transfers: BTreeMap<String, Steps>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Steps {
    taken: Vec<u64>,
    given: Vec<u64>,
}

impl Books {
    /// Reads the log.
    pub(crate) async fn read(store: &dyn Store) -> Result<Self> {
        let mut books = Self::default();
        let mut log = store.get_all(ReadFrom::Start, usize::MAX);
        while let Some(event) = log.try_next().await? {
            if event.actor().category() == "account" {
                for typed in decode_with(&event, UnknownEvents::Fail)? {
                    books.enter(event.actor().key().unwrap_or_default(), typed);
                }
            }
        }
        Ok(books)
    }

    fn enter(&mut self, account: &str, event: AccountEvent) {
        let on_account = self.accounts.entry(account.to_owned()).or_default();
        match event {
            AccountEvent::Opened { .. } => {}
            AccountEvent::Deposited { cents } => {
                self.paid_in += cents;
                *on_account += cents;
            }
            AccountEvent::Withdrawn { cents } => {
                self.paid_out += cents;
                *on_account -= cents;
            }
            AccountEvent::TransferRequested { .. } => self.requested += 1,
            AccountEvent::Debited { transfer, cents } => {
                *on_account -= cents;
                self.transfers.entry(transfer).or_default().taken.push(cents);
            }
            AccountEvent::Credited { transfer, cents } | AccountEvent::Refunded { transfer, cents } => {
                *on_account += cents;
                self.transfers.entry(transfer).or_default().given.push(cents);
            }
            AccountEvent::Frozen { .. } => self.frozen += 1,
            AccountEvent::Unfrozen => self.unfrozen += 1,
        }
    }

    /// What is on all accounts.
    pub(crate) fn total(&self) -> u64 {
        self.accounts.values().sum()
    }

    /// What must not be: nothing, if all is well.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let (put, total) = (self.paid_in - self.paid_out, self.total());
        if put != total {
            complaints.push(format!("{put} cents were put into the bank, and {total} are there"));
        }
        for (transfer, Steps { taken, given }) in &self.transfers {
            if taken.len() != 1 || taken != given {
                complaints.push(format!("transfer {transfer} has taken {taken:?} and given {given:?}"));
            }
        }
        if self.frozen != self.unfrozen {
            complaints.push(format!("of {} freezes, {} were ended", self.frozen, self.unfrozen));
        }
        complaints
    }
}
