//! The messages: [`Request`] from senders, [`Reply`] from nodes, [`Peer`] between the two nodes of a handoff.

use std::time::Duration;

use aether_actor::{CommandId, Failure};
use aether_core::{ActorId, Context};
use bytes::Bytes;

use super::Versions;
use crate::{Incarnation, ShardId};

/// One attempt of a command or a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    /// The only node that may act on it; `None`: whoever acts for the actor, so perhaps two.
    pub(crate) to: Option<Incarnation>,
    /// For whom it is.
    pub(crate) actor: ActorId,
    /// The highest sequence of the actor that its caller has seen.
    pub(crate) seen: u64,
    /// How much of its time was left when it was sent; in whole microseconds on the wire. It counts from the receipt, so
    /// that no two clocks are compared.
    pub(crate) left: Duration,
    /// What is asked.
    pub(crate) kind: Kind,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// To decide.
    Command(RequestedCommand),
    /// To tell.
    Query(RequestedQuery),
}

/// A command that is sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RequestedCommand {
    /// Its id.
    pub(crate) id: CommandId,
    /// The name.
    pub(crate) name: String,
    /// The command as JSON.
    pub(crate) data: Bytes,
    /// The sequence of the last commit in which it cannot have been executed, nor before it.
    pub(crate) since: u64,
    /// `true` if its outcome is recorded also if it saves nothing.
    pub(crate) recorded: bool,
    /// The timer that sends it.
    pub(crate) timer: Option<String>,
    /// The conversation and the cause of it.
    pub(crate) context: Option<Context>,
}

/// A query that is sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RequestedQuery {
    /// The name.
    pub(crate) name: String,
    /// The query as JSON.
    pub(crate) data: Bytes,
    /// `true` if the answer must have been true at a moment between question and answer.
    pub(crate) linearizable: bool,
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

/// What a node answers to one attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    /// Who answers.
    pub(crate) from: Incarnation,
    /// `true` if the outcome stands in the log under the command's id.
    pub(crate) recorded: bool,
    /// The sequence of the actor that it was answered at; 0 if it was not asked.
    pub(crate) sequence: u64,
    /// The answer.
    pub(crate) body: Body,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// The command was executed, with this reply.
    Done(Bytes),
    /// The actor has refused the command, with this error.
    Refused(Bytes),
    /// The command was executed; its reply is too large.
    DoneTooLarge,
    /// The answer to the query.
    Told(Bytes),
    /// The actor was asked, and there is no answer.
    Failed(Failure),
    /// Nothing was begun here: another node acts for the actor, this one if it is known.
    Again(Option<Incarnation>),
    /// Nothing was begun here: too much is under way.
    Overloaded,
    /// Nothing was begun here: no time was left.
    Expired,
    /// Nothing was begun here: the message could not be read. These versions can.
    Unreadable(Versions),
}

/// What two nodes say to each other when a shard moves from the one to the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Peer {
    /// From the successor: it listens, and what is sent to the shard now reaches it.
    Ready {
        /// The shard.
        shard: ShardId,
        /// The move: the version of the plan that began it.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
    /// From the predecessor: what it has kept, and will never act on.
    Forward {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
        /// In the order in which they came; each is for the receiver alone.
        requests: Vec<Forwarded>,
    },
    /// From the predecessor: nothing is under way any more, and the successor may act.
    Release {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
    /// From the successor: it knows that.
    Released {
        /// The shard.
        shard: ShardId,
        /// The move.
        since: u64,
        /// Who says so.
        from: Incarnation,
    },
}

/// A request on its way to whom it was forwarded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forwarded {
    /// Where the answer is awaited.
    pub(crate) reply: String,
    /// The request.
    pub(crate) request: Request,
}
