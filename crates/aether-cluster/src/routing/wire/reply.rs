//! [`Reply`]: what a node answers.

use aether_actor::Failure;
use bytes::Bytes;

use super::Versions;
use crate::Incarnation;

/// What a node answers to one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Who answers.
    pub from: Incarnation,
    /// Whether the outcome stands in the log under the command's id.
    pub recorded: bool,
    /// The sequence of the actor that it was answered at; 0 if it was not asked.
    pub sequence: u64,
    /// The answer.
    pub body: Body,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The command was executed, with this reply.
    Done(Bytes),
    /// The actor has refused the command, with this error.
    Refused(Bytes),
    /// The command was executed; its reply is too large.
    DoneTooLarge,
    /// The answer to the query.
    Told(Bytes),
    /// There is no answer, though the actor was asked.
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
