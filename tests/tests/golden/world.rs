//! The actors, processes, effects and projections that recordings are made of. Recordings name them: what is here may grow
//! and never change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_actor::event::{DomainEvent, Old, Upcast, UpcastError};
use aether_actor::{
    Actor, ActorOptions, ActorSystemBuilder, Answer, Answered, AskError, Cause, Command, CommandContext,
    ConsumerOptions, Decision, Effect, EffectContext, Handle, HandleError, ProcessContext, ProcessManager,
    ProcessOptions, Query, React, ReactContext, Reaction, SnapshotPolicy,
};
use aether_core::{EventFilter, RecordedEvent};
use aether_group::Retry;
use aether_projection::{ApplyError, Keys, Projection};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::mpsc;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum AccountEvent {
    #[event(name = "AccountOpened")]
    Opened {
        owner: String,
    },
    #[event(version = 2, upcast(1 = cents_from_euros))]
    Deposited {
        cents: u64,
    },
    Withdrawn {
        cents: u64,
    },
    TransferRequested {
        transfer: String,
        to: String,
        cents: u64,
    },
    Reminded {
        about: String,
    },
}

fn cents_from_euros(mut old: Old) -> Result<Upcast, UpcastError> {
    let euros: u64 = old.take("euros")?;
    old.set("cents", euros * 100)?;
    Ok(Upcast::to(old.data))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("there is no such account")]
    NotOpen,
    #[error("overdrawn by {by} cents")]
    Overdrawn { by: u64 },
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) owner: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Deposit {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Withdraw {
    pub(crate) cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct RequestTransfer {
    pub(crate) transfer: String,
    pub(crate) to: String,
    pub(crate) cents: u64,
}

/// Sets a timer of this name.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct RemindAt {
    pub(crate) about: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
}

/// The command that the timer sends.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Remind {
    pub(crate) about: String,
}

#[derive(Debug, Serialize, Deserialize, Effect)]
pub(crate) struct Mail {
    pub(crate) to: String,
}

#[derive(Debug, Serialize, Deserialize, Query)]
pub(crate) struct Look;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: String,
    pub(crate) cents: u64,
    pub(crate) reminders: Vec<String>,
    /// The number of events that were replayed on top of a snapshot, which shows that the snapshot was used.
    #[serde(skip)]
    pub(crate) replayed: u64,
}

impl Actor for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;
    type Error = AccountError;
    type Commands = (Open, Deposit, Withdraw, RequestTransfer, RemindAt, Remind);
    type Queries = (Look,);

    fn evolve(&mut self, event: &AccountEvent) {
        self.replayed += 1;
        match event {
            AccountEvent::Opened { owner } => self.owner.clone_from(owner),
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
            AccountEvent::TransferRequested { .. } => {}
            AccountEvent::Reminded { about } => self.reminders.push(about.clone()),
        }
    }
}

impl Answer<Look> for Account {
    type Reply = (Self, u64);

    fn answer(&self, _: &Look) -> (Self, u64) {
        (self.clone(), self.replayed)
    }
}

impl Handle<Open> for Account {
    type Reply = ();

    fn decide(&self, open: &Open, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        let owner = open.owner.clone();
        Ok(Decision::event(AccountEvent::Opened { owner: owner.clone() }).effect(Mail { to: owner }))
    }
}

impl Handle<Deposit> for Account {
    type Reply = u64;

    fn decide(&self, deposit: &Deposit, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        if self.owner.is_empty() {
            return Err(AccountError::NotOpen);
        }
        let cents = deposit.cents;
        Ok(Decision::event(AccountEvent::Deposited { cents }).reply(self.cents + cents))
    }
}

impl Handle<Withdraw> for Account {
    type Reply = u64;

    fn decide(&self, withdraw: &Withdraw, _: &CommandContext) -> Result<Decision<Self, u64>, AccountError> {
        let cents = withdraw.cents;
        match self.cents.checked_sub(cents) {
            Some(left) => Ok(Decision::event(AccountEvent::Withdrawn { cents }).reply(left)),
            None => Err(AccountError::Overdrawn { by: cents - self.cents }),
        }
    }
}

impl Handle<RequestTransfer> for Account {
    type Reply = ();

    fn decide(&self, request: &RequestTransfer, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        let (transfer, to, cents) = (request.transfer.clone(), request.to.clone(), request.cents);
        Ok(Decision::event(AccountEvent::TransferRequested { transfer, to, cents }))
    }
}

impl Handle<RemindAt> for Account {
    type Reply = ();

    fn decide(&self, remind: &RemindAt, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        let about = remind.about.clone();
        Ok(Decision::nothing().schedule(about.clone(), remind.at, Remind { about }))
    }
}

impl Handle<Remind> for Account {
    type Reply = ();

    fn decide(&self, remind: &Remind, _: &CommandContext) -> Result<Decision<Self>, AccountError> {
        Ok(Decision::event(AccountEvent::Reminded { about: remind.about.clone() }))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum TransferEvent {
    #[event(name = "TransferStarted")]
    Started { from: String, to: String, cents: u64 },
    #[event(name = "TransferCompleted")]
    Completed,
    #[event(name = "TransferRefused")]
    Refused { why: String },
}

/// A process manager: takes the money, then gives it.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfers {
    to: String,
    cents: u64,
}

impl ProcessManager for Transfers {
    const NAME: &'static str = "transfers";
    type Event = TransferEvent;
    type Sources = (Account,);
    type Sends = ((Account, Withdraw), (Account, Deposit));

    fn evolve(&mut self, event: &TransferEvent) {
        if let TransferEvent::Started { to, cents, .. } = event {
            *self = Self { to: to.clone(), cents: *cents };
        }
    }

    fn answered(&self, answer: &Answered, _: &ProcessContext) -> Reaction<Self> {
        let cents = self.cents;
        match answer.of::<Account, Withdraw>() {
            Some(Err(AskError::Refused(why))) => {
                Reaction::event(TransferEvent::Refused { why: why.to_string() })
            }
            Some(_) => Reaction::nothing().send::<Account, _>(&self.to, Deposit { cents }),
            None => Reaction::event(TransferEvent::Completed),
        }
    }
}

impl React<Account> for Transfers {
    const EVENTS: Option<&'static [&'static str]> = Some(&["TransferRequested"]);

    fn key(event: &AccountEvent, _: &Cause) -> Option<String> {
        match event {
            AccountEvent::TransferRequested { transfer, .. } => Some(transfer.clone()),
            _ => None,
        }
    }

    fn react(&self, event: &AccountEvent, context: &ReactContext) -> Reaction<Self> {
        let AccountEvent::TransferRequested { to, cents, .. } = event else { return Reaction::nothing() };
        let (from, to, cents) = (context.cause.key().to_owned(), to.clone(), *cents);
        Reaction::event(TransferEvent::Started { from: from.clone(), to, cents })
            .send::<Account, _>(from, Withdraw { cents })
    }
}

/// Options of accounts: a snapshot after every few events, which remembers few commands.
pub(crate) fn account_options() -> ActorOptions {
    ActorOptions::default().snapshots(SnapshotPolicy::every(6)).remember(3)
}

/// Options of consumers: few partitions, so that a recording has few keys.
pub(crate) fn consumer() -> ConsumerOptions {
    let retry = Retry::default().delays(Duration::from_millis(20), Duration::from_millis(100));
    ConsumerOptions::default().partitions(4).retry(retry)
}

/// With accounts and transfers.
pub(crate) fn actors(builder: ActorSystemBuilder) -> ActorSystemBuilder {
    builder
        .namespace("golden")
        .actor_with::<Account>(account_options())
        .process_with::<Transfers>(ProcessOptions::default().consumer(consumer()))
}

/// A post office that tells of each mail, and can be closed: mails then wait.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    closed: Arc<AtomicBool>,
    mails: mpsc::UnboundedSender<(Mail, EffectContext)>,
}

impl Post {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<(Mail, EffectContext)>) {
        let (mails, sent) = mpsc::unbounded_channel();
        (Self { closed: Arc::default(), mails }, sent)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// With mails that this post office sends.
    pub(crate) fn with(self, builder: ActorSystemBuilder) -> ActorSystemBuilder {
        let handler = move |mail: Mail, context: EffectContext| {
            let post = self.clone();
            async move {
                let closed = post.closed.load(Ordering::SeqCst);
                let _ = post.mails.send((mail, context));
                if closed { Err(HandleError::unavailable("closed")) } else { Ok(()) }
            }
        };
        builder.effect_with::<Mail>(handler, consumer())
    }
}

/// The cents that were deposited and withdrawn, by account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turnover {
    pub(crate) cents: u64,
    pub(crate) events: u64,
}

/// A projection, of which there are two versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turnovers(pub(crate) u32);

impl Projection for Turnovers {
    type View = Turnover;

    fn name(&self) -> &str {
        "turn.overs"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("account")
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        match event.event_type() {
            "Deposited.v2" | "Withdrawn" => Keys::one(event.actor().as_str().to_owned()),
            _ => Keys::none(),
        }
    }

    fn apply(&self, _: &str, view: &mut Turnover, event: &RecordedEvent) -> Result<(), ApplyError> {
        #[derive(Deserialize)]
        struct Moved {
            cents: u64,
        }
        view.cents += event.data::<Moved>()?.cents;
        view.events += 1;
        Ok(())
    }
}
