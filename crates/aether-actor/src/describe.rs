//! What actors and process managers say of themselves, to be checked against a board.

use aether_event::DomainEvent;
use aether_model::Component;

use crate::command::CommandList;
use crate::process::{SendList, SourceList};
use crate::query::QueryList;
use crate::{Actor, ProcessManager};

/// What a kind of actors says of itself: an aggregate, with its commands, events and queries.
///
/// [`Board::check`](aether_model::Board::check) compares it with a board.
#[must_use]
pub fn describe<A: Actor>() -> Component {
    Component::aggregate(A::CATEGORY)
        .handles(<A::Commands as CommandList<A>>::NAMES.iter().copied())
        .emits(A::Event::VARIANTS.iter().map(|variant| variant.name))
        .answers(<A::Queries as QueryList<A>>::NAMES.iter().copied())
}

/// What a process manager says of itself: a policy, with the events that it reacts to
/// ([`React::EVENTS`](crate::React::EVENTS)), the commands that it sends, and its own events.
#[must_use]
pub fn describe_process<P: ProcessManager>() -> Component {
    Component::policy(P::NAME)
        .reacts_to(<P::Sources as SourceList<P>>::events())
        .sends(<P::Sends as SendList>::COMMANDS.iter().copied())
        .emits(P::Event::VARIANTS.iter().map(|variant| variant.name))
}
