//! [`Simulation`]: random transfers, many at a time, while now and then an account is frozen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aether::actor::ActorSystem;
use anyhow::Result;
use tokio::task::JoinSet;

use crate::account::{Account, AccountError};
use crate::ask::ask;
use crate::commands::{Deposit, Freeze, Open, RequestTransfer};
use crate::faults::Faults;

/// What every account begins with, in cents.
const FIRST_DEPOSIT: u64 = 10_000;
/// One of so many requests comes with an account that is frozen.
const FREEZE_EVERY: u64 = 40;

/// What is to happen.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) system: ActorSystem,
    pub(crate) accounts: u64,
    pub(crate) transfers: u64,
    /// How many requests are made at the same time.
    pub(crate) at_once: u64,
    pub(crate) faults: Faults,
    next: AtomicU64,
}

impl Simulation {
    pub(crate) fn new(
        system: ActorSystem,
        accounts: u64,
        transfers: u64,
        at_once: u64,
        faults: Faults,
    ) -> Self {
        Self { system, accounts, transfers, at_once, faults, next: AtomicU64::new(1) }
    }

    /// Opens the accounts that are not open yet, and requests all transfers.
    pub(crate) async fn run(self: Arc<Self>) -> Result<()> {
        for number in 0..self.accounts {
            let account = self.system.actor::<Account>(number);
            // A bank that is on NATS may have been opened by an earlier run.
            match ask(&account, &Open { owner: format!("customer {number}") }).await? {
                Ok(()) => ask(&account, &Deposit { cents: FIRST_DEPOSIT }).await?.map(drop)?,
                Err(AccountError::AlreadyOpen) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let mut customers = JoinSet::new();
        for _ in 0..self.at_once {
            customers.spawn(Arc::clone(&self).customers());
        }
        while let Some(ended) = customers.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Requests transfers, one after the other, until there are enough.
    async fn customers(self: Arc<Self>) -> Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number > self.transfers {
                return Ok(());
            }
            self.faults.before(number).await?;
            let from = fastrand::u64(0..self.accounts);
            let to = (from + fastrand::u64(1..self.accounts)) % self.accounts;
            if number.is_multiple_of(FREEZE_EVERY) {
                // Whether it was frozen before does not matter.
                let _ = ask(&self.system.actor::<Account>(to), &Freeze { seconds: 1 }).await?;
            }
            // Some are for more than there is.
            let request = RequestTransfer { to: to.to_string(), cents: fastrand::u64(1..=FIRST_DEPOSIT / 2) };
            ask(&self.system.actor::<Account>(from), &request).await??;
        }
    }
}
