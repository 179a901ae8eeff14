//! Transfers between accounts, with compensation and a deadline.

use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    Answered, AskError, Cause, ProcessContext, ProcessManager, React, ReactContext, Reaction,
};
use serde::{Deserialize, Serialize};

use super::bank::{Account, AccountEvent, Credit, Debit, Refund};

/// After how long somebody has to look at a transfer.
pub(crate) const OVERDUE: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum TransferEvent {
    #[event(name = "TransferBegun")]
    Begun { from: String, to: String, cents: u64 },
    #[event(name = "TransferPaidOut")]
    PaidOut { left: u64 },
    #[event(name = "TransferBounced")]
    Bounced,
    #[event(name = "TransferEnded")]
    Ended { how: Ended },
    #[event(name = "TransferOverdue")]
    Overdue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ended {
    Done,
    NotCovered,
    Refunded,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    from: String,
    to: String,
    cents: u64,
    pub(crate) ended: Option<Ended>,
    pub(crate) overdue: u32,
}

impl ProcessManager for Transfer {
    const NAME: &'static str = "transfer";
    type Event = TransferEvent;
    type Sources = (Account,);
    type Sends = ((Account, Debit), (Account, Credit), (Account, Refund));

    fn evolve(&mut self, event: &TransferEvent) {
        match event {
            TransferEvent::Begun { from, to, cents } => {
                (self.from, self.to, self.cents) = (from.clone(), to.clone(), *cents);
            }
            TransferEvent::PaidOut { .. } | TransferEvent::Bounced => {}
            TransferEvent::Ended { how } => self.ended = Some(*how),
            TransferEvent::Overdue => self.overdue += 1,
        }
    }

    fn answered(&self, answer: &Answered, context: &ProcessContext) -> Reaction<Self> {
        let (transfer, cents) = (context.key().to_owned(), self.cents);
        if let Some(debited) = answer.of::<Account, Debit>() {
            return match debited {
                Ok(left) => Reaction::event(TransferEvent::PaidOut { left })
                    .send::<Account, _>(&self.to, Credit { transfer, cents }),
                Err(AskError::Refused(_)) => self.ends(Ended::NotCovered),
                Err(other) => panic!("{other}"),
            };
        }
        match answer.of::<Account, Credit>() {
            Some(Ok(())) => self.ends(Ended::Done),
            Some(Err(_)) => Reaction::event(TransferEvent::Bounced)
                .send::<Account, _>(&self.from, Refund { transfer, cents }),
            None => self.ends(Ended::Refunded),
        }
    }

    fn timed_out(&self, timer: &str, _: &ProcessContext) -> Reaction<Self> {
        assert_eq!(timer, "overdue");
        Reaction::event(TransferEvent::Overdue)
    }
}

impl Transfer {
    fn ends(&self, how: Ended) -> Reaction<Self> {
        Reaction::event(TransferEvent::Ended { how }).cancel("overdue")
    }
}

impl React<Account> for Transfer {
    const EVENTS: Option<&'static [&'static str]> = Some(&["TransferAsked"]);

    fn key(event: &AccountEvent, _: &Cause) -> Option<String> {
        match event {
            AccountEvent::TransferAsked { transfer, .. } => Some(transfer.clone()),
            other => panic!("not asked for: {other:?}"),
        }
    }

    fn react(&self, event: &AccountEvent, context: &ReactContext) -> Reaction<Self> {
        let AccountEvent::TransferAsked { transfer, to, cents } = event else { return Reaction::nothing() };
        let (from, to, cents) = (context.cause.key().to_owned(), to.clone(), *cents);
        Reaction::event(TransferEvent::Begun { from: from.clone(), to, cents })
            .send::<Account, _>(from, Debit { transfer: transfer.clone(), cents })
            .schedule("overdue", OVERDUE)
    }
}
