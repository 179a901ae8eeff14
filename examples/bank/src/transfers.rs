//! [`Transfers`]: takes the money, then gives it. What cannot be given goes back to where it came from.

use aether::actor::{
    Answered, AskError, Cause, ProcessContext, ProcessManager, React, ReactContext, Reaction,
};
use aether::event::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountEvent};
use crate::commands::{Credit, Debit, Refund};

/// What can happen to a transfer. Beside it, its log says what was sent and answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum TransferEvent {
    #[event(name = "TransferStarted")]
    Started { from: String, to: String, cents: u64 },
    #[event(name = "TransferCompleted")]
    Completed,
    /// The money was not there: nothing has moved.
    #[event(name = "TransferRefused")]
    Refused { why: String },
    /// The money could not be given, and is on its way back.
    #[event(name = "TransferBounced")]
    Bounced { why: String },
    #[event(name = "TransferReturned")]
    Returned,
}

/// One transfer.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfers {
    from: String,
    to: String,
    cents: u64,
}

impl ProcessManager for Transfers {
    const NAME: &'static str = "transfers";
    type Event = TransferEvent;
    type Sources = (Account,);
    type Sends = ((Account, Debit), (Account, Credit), (Account, Refund));

    fn evolve(&mut self, event: &TransferEvent) {
        if let TransferEvent::Started { from, to, cents } = event {
            *self = Self { from: from.clone(), to: to.clone(), cents: *cents };
        }
    }

    fn answered(&self, answer: &Answered, context: &ProcessContext) -> Reaction<Self> {
        let (transfer, cents) = (context.key().to_owned(), self.cents);
        if let Some(debited) = answer.of::<Account, Debit>() {
            return match debited {
                Err(AskError::Refused(why)) => {
                    Reaction::event(TransferEvent::Refused { why: why.to_string() })
                }
                _ => Reaction::nothing().send::<Account, _>(&self.to, Credit { transfer, cents }),
            };
        }
        if let Some(credited) = answer.of::<Account, Credit>() {
            return match credited {
                Err(AskError::Refused(why)) => {
                    Reaction::event(TransferEvent::Bounced { why: why.to_string() })
                        .send::<Account, _>(&self.from, Refund { transfer, cents })
                }
                _ => Reaction::event(TransferEvent::Completed),
            };
        }
        Reaction::event(TransferEvent::Returned)
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
        let AccountEvent::TransferRequested { transfer, to, cents } = event else {
            return Reaction::nothing();
        };
        let (from, to, cents) = (context.cause.key().to_owned(), to.clone(), *cents);
        let debit = Debit { transfer: transfer.clone(), cents };
        Reaction::event(TransferEvent::Started { from: from.clone(), to, cents })
            .send::<Account, _>(from, debit)
    }
}
