//! What can be asked of an account.

use aether::actor::{Command, Query};
use serde::{Deserialize, Serialize};

/// Begins an account.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "OpenAccount")]
pub(crate) struct Open {
    pub(crate) owner: String,
}

/// Pays in.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Deposit {
    pub(crate) cents: u64,
}

/// Pays out.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Withdraw {
    pub(crate) cents: u64,
}

/// Begins a transfer to another account, and is answered with what the transfer is called.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct RequestTransfer {
    pub(crate) to: String,
    pub(crate) cents: u64,
}

/// Takes the money for a transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Debit {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

/// Gives the money of a transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Credit {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

/// Gives back what was taken for a transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Refund {
    pub(crate) transfer: String,
    pub(crate) cents: u64,
}

/// Lets nothing in or out for some time.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "FreezeAccount")]
pub(crate) struct Freeze {
    pub(crate) seconds: u64,
}

/// Ends that.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "UnfreezeAccount")]
pub(crate) struct Unfreeze;

/// How many cents there are.
#[derive(Debug, Clone, Serialize, Deserialize, Query)]
pub(crate) struct Balance;
