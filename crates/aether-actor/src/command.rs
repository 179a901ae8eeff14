//! [`Command`] and [`Handle`]: what is asked of an actor, and how it decides.

use std::any::type_name;

use aether_core::{ActorId, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::dispatch::CommandTable;
use crate::{Actor, CommandId, Decision};

/// Something that an actor is asked to do. Derive it: `#[derive(Command)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "add `#[derive(Serialize, Deserialize, Command)]`"
)]
pub trait Command: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it is recorded and travels: by default the name of the type.
    const NAME: &'static str;
}

/// How an actor decides on a command.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle the command `{C}`",
    label = "no `impl Handle<{C}> for {Self}`",
    note = "implement `Handle<{C}>` for `{Self}`, and list `{C}` in its `Actor::Commands`"
)]
pub trait Handle<C: Command>: Actor {
    /// What the caller gets.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Decides: what happens, and what the caller gets. A function of its arguments, without any effect; it is called
    /// again when somebody else was faster.
    ///
    /// # Errors
    /// The actor's refusal. Nothing is saved then.
    fn decide(
        &self,
        command: &C,
        context: &CommandContext,
    ) -> Result<Decision<Self, Self::Reply>, Self::Error>;
}

/// What a command is decided in.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CommandContext {
    /// The actor.
    pub actor: ActorId,
    /// The command's id, the same when it is decided again or was sent again.
    pub command_id: CommandId,
    /// The version of the state.
    pub version: Version,
    /// The time, by the system's clock.
    pub now: OffsetDateTime,
}

impl CommandContext {
    /// A context; for tests of deciders, and for whoever drives them.
    #[must_use]
    pub fn new(actor: ActorId, command_id: CommandId, version: Version, now: OffsetDateTime) -> Self {
        Self { actor, command_id, version, now }
    }
}

/// The commands of an actor: a tuple of up to 24 of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of commands that `{A}` handles",
    note = "`Actor::Commands` is a tuple such as `(Place, Pay)` or `(Place,)`, and `{A}` needs `Handle` for each of them"
)]
pub trait CommandList<A: Actor> {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// For the runtime: how each is made from what travelled.
    #[doc(hidden)]
    fn register(table: &mut CommandTable<A>);
}

macro_rules! command_lists {
    ($($command:ident)*) => {
        impl<A: Actor, $($command: Command),*> CommandList<A> for ($($command,)*)
        where
            $(A: Handle<$command>),*
        {
            const NAMES: &'static [&'static str] = &[$($command::NAME),*];

            fn register(_table: &mut CommandTable<A>) {
                $(_table.add::<$command>();)*
            }
        }
    };
}

crate::list::for_each_arity!(command_lists);

/// Fails the build if the actor does not list the command.
pub(crate) const fn assert_listed<A: Actor, C: Command>() {
    assert!(
        crate::list::contains(<A::Commands as CommandList<A>>::NAMES, C::NAME),
        "this command is not listed in `Actor::Commands` of the actor that it is sent to"
    );
}

/// The name of a type without its path, for messages.
pub(crate) fn short_name<T>() -> &'static str {
    type_name::<T>().rsplit("::").next().unwrap_or_default()
}
