//! [`Request`]: one attempt of a command or a query.

use std::time::Duration;

use aether_actor::CommandId;
use aether_core::{ActorId, Context};
use bytes::Bytes;

use crate::Incarnation;

/// One attempt of a command or a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The only node that may act on it; `None`: whoever acts for the actor, so perhaps two.
    pub to: Option<Incarnation>,
    /// For whom it is.
    pub actor: ActorId,
    /// The highest sequence of the actor that its caller has seen.
    pub seen: u64,
    /// How much of its time was left when it was sent; in whole microseconds on the wire. It counts from the receipt, so
    /// that no two clocks are compared.
    pub left: Duration,
    /// What is asked.
    pub kind: Kind,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// To decide.
    Command(RequestedCommand),
    /// To tell.
    Query(RequestedQuery),
}

/// A command that is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCommand {
    /// Its id.
    pub id: CommandId,
    /// Its name.
    pub name: String,
    /// The command as JSON.
    pub data: Bytes,
    /// The sequence of the last commit in which it cannot have been executed, nor before it.
    pub since: u64,
    /// Whether its outcome is recorded also if it saves nothing.
    pub recorded: bool,
    /// The timer that sends it.
    pub timer: Option<String>,
    /// The conversation and the cause of it.
    pub context: Option<Context>,
}

/// A query that is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedQuery {
    /// Its name.
    pub name: String,
    /// The query as JSON.
    pub data: Bytes,
    /// Whether the answer must have been true at a moment between question and answer.
    pub linearizable: bool,
}

impl Request {
    /// About how much memory it holds, in bytes.
    pub(crate) fn size(&self) -> usize {
        let (name, data) = match &self.kind {
            Kind::Command(command) => (&command.name, &command.data),
            Kind::Query(query) => (&query.name, &query.data),
        };
        size_of::<Self>() + self.actor.as_str().len() + name.len() + data.len()
    }
}
