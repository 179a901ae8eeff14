//! Lists of types, as tuples: the commands and the queries of an actor, which are visited one by one.

use std::any::type_name;

use aether_event::DomainEvent;
use aether_model::Component;

use crate::actor::{Actor, Answer, Command, Handle, Query};

/// Calls a macro once for each length of a tuple, with the names of its parameters.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $crate::list::for_each_arity!(@ $macro [] C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 C14 C15 C16 C17 C18 C19 C20
            C21 C22 C23 C24);
    };
    (@ $macro:ident [$($taken:ident)*] $next:ident $($rest:ident)*) => {
        $macro!($($taken)*);
        $crate::list::for_each_arity!(@ $macro [$($taken)* $next] $($rest)*);
    };
    (@ $macro:ident [$($taken:ident)*]) => {
        $macro!($($taken)*);
    };
}

pub(crate) use for_each_arity;

/// The commands of an actor: a tuple of up to 24 of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of commands that `{A}` handles",
    note = "`Actor::Commands` is a tuple such as `(Place, Pay)` or `(Place,)`, and `{A}` needs `Handle` for each of them"
)]
pub trait CommandList<A: Actor> {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// Shows each of them to a visitor, which sees its type. For the runtime.
    #[doc(hidden)]
    fn visit<V: CommandVisitor<A>>(visitor: &mut V);
}

/// A visitor of the commands of an actor. For the runtime.
#[doc(hidden)]
pub trait CommandVisitor<A: Actor> {
    /// Visits a command.
    fn visit<C: Command>(&mut self)
    where
        A: Handle<C>;
}

macro_rules! command_lists {
    ($($command:ident)*) => {
        impl<A: Actor, $($command: Command),*> CommandList<A> for ($($command,)*)
        where
            $(A: Handle<$command>),*
        {
            const NAMES: &'static [&'static str] = &[$($command::NAME),*];

            fn visit<V: CommandVisitor<A>>(_visitor: &mut V) {
                $(_visitor.visit::<$command>();)*
            }
        }
    };
}

for_each_arity!(command_lists);

/// Fails the build if the actor does not list the command.
pub(crate) const fn assert_command_listed<A: Actor, C: Command>() {
    assert!(
        contains(<A::Commands as CommandList<A>>::NAMES, C::NAME),
        "this command is not listed in `Actor::Commands` of the actor that it is sent to"
    );
}

/// The queries of an actor: a tuple of up to 24 of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of queries that `{A}` answers",
    note = "`Actor::Queries` is a tuple such as `(Total,)`, and `{A}` needs `Answer` for each of them"
)]
pub trait QueryList<A: Actor> {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// Shows each of them to a visitor, which sees its type. For the runtime.
    #[doc(hidden)]
    fn visit<V: QueryVisitor<A>>(visitor: &mut V);
}

/// A visitor of the queries of an actor. For the runtime.
#[doc(hidden)]
pub trait QueryVisitor<A: Actor> {
    /// Visits a query.
    fn visit<Q: Query>(&mut self)
    where
        A: Answer<Q>;
}

macro_rules! query_lists {
    ($($query:ident)*) => {
        impl<A: Actor, $($query: Query),*> QueryList<A> for ($($query,)*)
        where
            $(A: Answer<$query>),*
        {
            const NAMES: &'static [&'static str] = &[$($query::NAME),*];

            fn visit<V: QueryVisitor<A>>(_visitor: &mut V) {
                $(_visitor.visit::<$query>();)*
            }
        }
    };
}

for_each_arity!(query_lists);

/// Fails the build if the actor does not list the query.
pub(crate) const fn assert_query_listed<A: Actor, Q: Query>() {
    assert!(
        contains(<A::Queries as QueryList<A>>::NAMES, Q::NAME),
        "this query is not listed in `Actor::Queries` of the actor that it is put to"
    );
}

/// Describes a kind of actors for a board: an aggregate, with its commands, events and queries.
///
/// [`Board::check`](aether_model::Board::check) compares it with a board.
#[must_use]
pub fn describe<A: Actor>() -> Component {
    Component::aggregate(A::CATEGORY)
        .handles(<A::Commands as CommandList<A>>::NAMES.iter().copied())
        .emits(A::Event::VARIANTS.iter().map(|variant| variant.name))
        .answers(<A::Queries as QueryList<A>>::NAMES.iter().copied())
}

/// Returns whether `name` is one of `names`.
pub(crate) const fn contains(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if equal(names[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Returns the first name that is there twice.
pub(crate) fn duplicate(names: &[&'static str]) -> Option<&'static str> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| *name)
}

/// Returns the name of a type without its path, for messages.
pub(crate) fn short_name<T>() -> &'static str {
    type_name::<T>().rsplit("::").next().unwrap_or_default()
}
