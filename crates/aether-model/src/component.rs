//! [`Component`]: what a piece of code says of itself.

use crate::name::without_version;
use crate::{Kind, Name, Reference};

/// A description of a piece of code, to be checked against a board with [`Board::check`](crate::Board::check).
///
/// Names are those of code, such as `AccountOpened`. The version of a schema (`.v2`) is left out, and so are names that begin
/// with `aether.`: those events are Aether's own, and on nobody's board.
///
/// ```
/// use aether_model::Component;
///
/// let account = Component::aggregate("account")
///     .handles(["OpenAccount", "Withdraw"])
///     .emits(["AccountOpened", "Withdrawn.v2"])
///     .answers(["Balance"]);
/// let balances = Component::read_model("balances").from_events(["AccountOpened", "Withdrawn"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Component {
    /// The kind of its note on the board: [`Kind::Aggregate`], [`Kind::Policy`] or [`Kind::ReadModel`].
    pub kind: Kind,
    /// The context that it belongs to, where its name alone does not say.
    pub context: Option<Name>,
    /// The name, such as an actor's category.
    pub name: Name,
    /// The commands that it handles.
    pub handles: Vec<Reference>,
    /// The events that it saves.
    pub emits: Vec<Reference>,
    /// The queries that it answers.
    pub answers: Vec<Reference>,
    /// The events that it reacts to with commands.
    pub reacts_to: Vec<Reference>,
    /// The commands that it sends to others.
    pub sends: Vec<Reference>,
    /// The commands that it has sent later, by timers.
    pub schedules: Vec<Reference>,
    /// The effects that it requests: commands to external systems.
    pub effects: Vec<Reference>,
    /// The events that it is made from.
    pub from: Vec<Reference>,
}

/// A method that adds to a list.
macro_rules! adds {
    ($(#[$doc:meta] $method:ident to $field:ident;)*) => {
        $(
            #[$doc]
            #[must_use]
            pub fn $method<I>(mut self, names: I) -> Self
            where
                I: IntoIterator,
                I::Item: Into<String>,
            {
                self.$field.extend(spoken(names));
                self
            }
        )*
    };
}

impl Component {
    /// An event-sourced actor, which is an aggregate on the board.
    #[must_use]
    pub fn aggregate(name: impl Into<Name>) -> Self {
        Self::new(Kind::Aggregate, name.into())
    }

    /// A process manager, or whatever else reacts to events with commands: a policy on the board.
    #[must_use]
    pub fn policy(name: impl Into<Name>) -> Self {
        Self::new(Kind::Policy, name.into())
    }

    /// A projection, which is a read model on the board.
    #[must_use]
    pub fn read_model(name: impl Into<Name>) -> Self {
        Self::new(Kind::ReadModel, name.into())
    }

    fn new(kind: Kind, name: Name) -> Self {
        Self {
            kind,
            context: None,
            name,
            handles: Vec::new(),
            emits: Vec::new(),
            answers: Vec::new(),
            reacts_to: Vec::new(),
            sends: Vec::new(),
            schedules: Vec::new(),
            effects: Vec::new(),
            from: Vec::new(),
        }
    }

    /// Belongs to this context. Needed where several contexts have a note of its kind and name.
    #[must_use]
    pub fn in_context(mut self, context: impl Into<Name>) -> Self {
        self.context = Some(context.into());
        self
    }

    adds! {
        /// Handles these commands.
        handles to handles;
        /// Saves these events.
        emits to emits;
        /// Answers these queries.
        answers to answers;
        /// Reacts to these events with commands. An event's context may stand before it: `banking.AccountOpened`.
        reacts_to to reacts_to;
        /// Sends these commands to others.
        sends to sends;
        /// Has these commands sent later, by timers.
        schedules to schedules;
        /// Has this done in the world, by effects: commands to external systems.
        effects to effects;
        /// Is made from these events. An event's context may stand before it: `banking.AccountOpened`.
        from_events to from;
    }
}

/// Names as a board could have them.
fn spoken<I>(names: I) -> impl Iterator<Item = Reference>
where
    I: IntoIterator,
    I::Item: Into<String>,
{
    let names = names.into_iter().map(Into::into);
    names.filter(|name| !name.starts_with("aether.")).map(|name| Reference::new(without_version(&name)))
}
