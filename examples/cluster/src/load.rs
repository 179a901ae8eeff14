//! [`Load`]: customers who move money, and keep what they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether::actor::{ActorRef, AskError, Command, CommandId, Handle};
use aether::cluster::ClusterClient;
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::account::{Account, AccountError};
use crate::commands::{Balance, Credit, Debit, Deposit, Open};
use crate::tally::Tally;

/// What every account begins with, in cents.
const FIRST_DEPOSIT: u64 = 10_000;
/// How long a customer thinks between two transfers, on average.
const THINK: Duration = Duration::from_millis(60);
/// How long a customer goes on asking again.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many accounts are opened, or asked what they have, at the same time.
const AT_ONCE: usize = 16;

/// Customers who talk to the cluster from outside.
#[derive(Debug)]
pub(crate) struct Load {
    bank: Arc<Bank>,
    customers: JoinSet<Result<()>>,
}

/// What customers share.
#[derive(Debug)]
struct Bank {
    accounts: Vec<ActorRef<Account>>,
    tally: Tally,
    closed: AtomicBool,
}

impl Load {
    /// Opens so many accounts, and pays in.
    pub(crate) async fn open(client: &ClusterClient, accounts: u64, tally: Tally) -> Result<Self> {
        let accounts = (0..accounts).map(|number| client.actor(number)).collect();
        let bank = Arc::new(Bank { accounts, tally, closed: AtomicBool::new(false) });
        let opened = stream::iter(&bank.accounts).map(|account| bank.open(account));
        opened.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(Self { bank, customers: JoinSet::new() })
    }

    /// Lets so many customers in.
    pub(crate) fn start(&mut self, customers: u64) {
        for _ in 0..customers {
            self.customers.spawn(Arc::clone(&self.bank).customer());
        }
    }

    /// Lets nobody begin anything more, and waits until all that was begun is finished.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.bank.closed.store(true, Ordering::Relaxed);
        while let Some(ended) = self.customers.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// What was paid in, in cents.
    pub(crate) fn paid_in(&self) -> u64 {
        self.bank.accounts.len() as u64 * FIRST_DEPOSIT
    }

    /// What is on all accounts, in cents, as each of them answers itself.
    pub(crate) async fn balances(&self) -> Result<u64> {
        let asked = stream::iter(&self.bank.accounts)
            .map(async |account| account.query(Balance).linearizable().await);
        let answers: Vec<u64> =
            asked.buffer_unordered(AT_ONCE).try_collect().await.context("an account does not answer")?;
        Ok(answers.into_iter().sum())
    }
}

impl Bank {
    async fn open(&self, account: &ActorRef<Account>) -> Result<()> {
        self.ask(account, CommandId::new(), Open { owner: "somebody".to_owned() }).await??;
        self.ask(account, CommandId::new(), Deposit { cents: FIRST_DEPOSIT }).await??;
        Ok(())
    }

    /// Transfers random amounts between random accounts, some of them more than there is.
    async fn customer(self: Arc<Self>) -> Result<()> {
        let count = self.accounts.len();
        while !self.closed.load(Ordering::Relaxed) {
            let from = fastrand::usize(0..count);
            let to = (from + fastrand::usize(1..count)) % count;
            let cents = fastrand::u64(1..=FIRST_DEPOSIT / 2);
            self.transfer(&self.accounts[from], &self.accounts[to], cents).await?;
            tokio::time::sleep(THINK.mul_f64(2.0 * fastrand::f64())).await;
        }
        Ok(())
    }

    /// Takes the money, and gives it. Either is done once, however often it is asked for; and what was taken can always be
    /// given, so nothing ever has to be given back.
    async fn transfer(&self, from: &ActorRef<Account>, to: &ActorRef<Account>, cents: u64) -> Result<()> {
        let take = CommandId::new();
        let give = CommandId::caused_by(take.uuid(), "give");
        let transfer = take.to_string();
        match self.ask(from, take, Debit { transfer: transfer.clone(), cents }).await? {
            Ok(()) => Ok(self.ask(to, give, Credit { transfer, cents }).await??),
            Err(AccountError::Overdrawn { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Asks until there is an answer: the reply, or why the account refuses. What is asked again has the same id.
    async fn ask<C>(
        &self,
        account: &ActorRef<Account>,
        id: CommandId,
        command: C,
    ) -> Result<Result<<Account as Handle<C>>::Reply, AccountError>>
    where
        Account: Handle<C>,
        C: Command + Clone,
    {
        let (since, began) = (account.since(), Instant::now());
        self.tally.asked(id);
        loop {
            let answer = match account.ask(command.clone()).id(id).since(since).await {
                Ok(reply) => Ok(reply),
                Err(AskError::Refused(why)) => Err(why),
                Err(error) => {
                    let what = || format!("{} of {:?}", C::NAME, account.id());
                    self.tally.failed(format!("{}: {error}", what()));
                    let again = error.failure().is_some_and(|why| why.is_retryable() || why.is_unknown());
                    if !again || began.elapsed() > PATIENCE {
                        return Err(error).with_context(what);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            self.tally.answered(id, answer.is_err());
            return Ok(answer);
        }
    }
}
