//! [`Balances`]: a view of each account, for those who look at many.

use aether::event::{UnknownEvents, decode_with};
use aether::projection::{ApplyError, Keys, Projection};
use aether::{EventFilter, RecordedEvent};
use serde::{Deserialize, Serialize};

use crate::account::AccountEvent;

/// One view for each account, by its key.
#[derive(Debug)]
pub(crate) struct Balances;

/// What is on an account.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccountView {
    pub(crate) owner: String,
    pub(crate) cents: u64,
    pub(crate) frozen: bool,
}

impl Projection for Balances {
    type View = AccountView;

    fn name(&self) -> &str {
        "balances"
    }

    fn filter(&self) -> EventFilter {
        EventFilter::category("account")
    }

    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        Keys::one(event.actor().key().unwrap_or_default())
    }

    fn apply(&self, _account: &str, view: &mut AccountView, event: &RecordedEvent) -> Result<(), ApplyError> {
        for event in decode_with::<AccountEvent>(event, UnknownEvents::Fail)? {
            match event {
                AccountEvent::Opened { owner } => view.owner = owner,
                AccountEvent::Deposited { cents }
                | AccountEvent::Credited { cents, .. }
                | AccountEvent::Refunded { cents, .. } => view.cents += cents,
                AccountEvent::Withdrawn { cents } | AccountEvent::Debited { cents, .. } => {
                    view.cents -= cents
                }
                AccountEvent::TransferRequested { .. } => {}
                AccountEvent::Frozen { .. } => view.frozen = true,
                AccountEvent::Unfrozen => view.frozen = false,
            }
        }
        Ok(())
    }
}
