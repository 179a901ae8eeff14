//! [`ProcessManager`] and [`React`]: what a user writes.

use aether_event::DomainEvent;
use aether_model::Component;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::{Answered, Cause, ProcessContext, ReactContext};
use super::lists::{SendList, SourceList};
use super::reaction::Reaction;
use crate::actor::Actor;

/// Something that goes on over several actors: it reacts to events of some with commands to others, and remembers by events
/// of its own how far it is. Each process is one of these, by the key that its events are correlated by.
///
/// The type that implements it is the state of one process; one that nothing has happened in is its [`Default`]. There is a
/// [`React`] for each kind of actors that it reacts to. All of it is functions of the state, without any effect: what is to
/// be done is in the [`Reaction`].
///
/// ```
/// # use aether_actor::{event::DomainEvent, *};
/// # use serde::{Serialize, Deserialize};
/// # use std::time::Duration;
/// # #[derive(Debug, Serialize, Deserialize, DomainEvent)]
/// # enum AccountEvent {
/// #     TransferAsked { transfer: String, to: String, cents: u64 },
/// #     Debited { cents: u64 },
/// #     Credited { cents: u64 },
/// # }
/// # #[derive(Debug, Serialize, Deserialize, Command)]
/// # struct Credit { cents: u64 }
/// # #[derive(Debug, Default, Clone, Serialize, Deserialize)]
/// # struct Account;
/// # impl Actor for Account {
/// #     const CATEGORY: &'static str = "account";
/// #     type Event = AccountEvent;
/// #     type Error = Never;
/// #     type Commands = (Credit,);
/// #     type Queries = ();
/// #     fn evolve(&mut self, _: &AccountEvent) {}
/// # }
/// # impl Handle<Credit> for Account {
/// #     type Reply = ();
/// #     fn decide(&self, credit: &Credit, _: &CommandContext) -> Result<Decision<Self>, Never> {
/// #         Ok(Decision::event(AccountEvent::Credited { cents: credit.cents }))
/// #     }
/// # }
/// #[derive(Debug, Default, Clone, Serialize, Deserialize)]
/// struct Transfer { done: bool }
///
/// #[derive(Debug, Serialize, Deserialize, DomainEvent)]
/// enum TransferEvent {
///     TransferBegun { to: String },
///     TransferDone,
/// }
///
/// impl ProcessManager for Transfer {
///     const NAME: &'static str = "transfer";
///     type Event = TransferEvent;
///     type Sources = (Account,);
///     type Sends = ((Account, Credit),);
///
///     fn evolve(&mut self, event: &TransferEvent) {
///         self.done |= matches!(event, TransferEvent::TransferDone);
///     }
///
///     fn answered(&self, answer: &Answered, _: &ProcessContext) -> Reaction<Self> {
///         match answer.of::<Account, Credit>() {
///             Some(Ok(())) => Reaction::event(TransferEvent::TransferDone),
///             _ => Reaction::nothing(),
///         }
///     }
/// }
///
/// impl React<Account> for Transfer {
///     fn key(event: &AccountEvent, _: &Cause) -> Option<String> {
///         match event {
///             AccountEvent::TransferAsked { transfer, .. } => Some(transfer.clone()),
///             _ => None,
///         }
///     }
///
///     fn react(&self, event: &AccountEvent, _: &ReactContext) -> Reaction<Self> {
///         match event {
///             AccountEvent::TransferAsked { to, cents, .. } => {
///                 Reaction::event(TransferEvent::TransferBegun { to: to.clone() })
///                     .send::<Account, _>(to, Credit { cents: *cents })
///             }
///             _ => Reaction::nothing(),
///         }
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(aether_store_memory::MemoryEventStore::new());
///
/// let system = ActorSystem::builder(store).actor::<Account>().process::<Transfer>().start().await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a process manager",
    label = "not a process manager",
    note = "implement `ProcessManager`: a name, the event enum, what it reacts to (`Sources`), what it sends (`Sends`), and `evolve`; its state needs `Default`, `Clone`, `Serialize` and `Deserialize`"
)]
pub trait ProcessManager: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The category of its processes: with `transfer`, the log of the process `7` is that of the actor `transfer-7`. Not
    /// empty, and without `-`.
    const NAME: &'static str;

    /// What can happen in it. Beside these its log has records of what was sent and answered, which
    /// [`evolve`](Self::evolve) does not see: [`CommandSent`](crate::CommandSent), [`CommandAnswered`](crate::CommandAnswered).
    type Event: DomainEvent;

    /// The actors whose events it reacts to: `(Account,)`. It needs a [`React`] for each.
    type Sources: SourceList<Self>;

    /// The commands that it sends, each with the actors that they go to: `((Account, Debit), (Account, Credit))`, and `()`
    /// for none. A command that is not listed cannot be sent.
    ///
    /// Actors that take hundreds of other commands while one of these is on its way should
    /// [remember](crate::ActorOptions::remember) more than the default: whether a command has been executed is looked for
    /// through 1,024 commits behind what they remember, and one of which that cannot be told parks its process
    /// ([`ActorError::WindowPassed`](crate::ActorError::WindowPassed)).
    type Sends: SendList;

    /// The version of the state's form in snapshots, as [`Actor::STATE_VERSION`].
    const STATE_VERSION: u32 = 1;

    /// Takes an event of its own into the state, as [`Actor::evolve`].
    fn evolve(&mut self, event: &Self::Event);

    /// Reacts to the answer to a command that it has sent. By default with nothing.
    fn answered(&self, _answer: &Answered, _context: &ProcessContext) -> Reaction<Self> {
        Reaction::nothing()
    }

    /// Reacts to a timer that it has [set](Reaction::schedule). By default with nothing.
    fn timed_out(&self, _timer: &str, _context: &ProcessContext) -> Reaction<Self> {
        Reaction::nothing()
    }

    /// The state of an older snapshot in the form of today, as [`Actor::upcast_state`].
    #[must_use]
    fn upcast_state(_version: u32, _state: Value) -> Option<Value> {
        None
    }
}

/// How a process manager reacts to the events of a kind of actors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not react to the events of `{A}`",
    label = "no `impl React<{A}> for {Self}`",
    note = "implement `React<{A}>` for `{Self}`, or take `{A}` from its `ProcessManager::Sources`"
)]
pub trait React<A: Actor>: ProcessManager {
    /// The names of the events that it reacts to, without versions: the others are passed over, and are not in what it
    /// [says of itself](crate::describe_process). All of the actor's by default.
    const EVENTS: Option<&'static [&'static str]> = None;

    /// The key of the process that an event belongs to; `None` if none reacts to it. Called for each event, without a
    /// state.
    fn key(event: &A::Event, cause: &Cause) -> Option<String>;

    /// Reacts to an event of its process. A function of its arguments, without any effect; it is called again when another
    /// event of the same process was faster. What it comes to is recorded, and is not decided again when the event comes
    /// again.
    fn react(&self, event: &A::Event, context: &ReactContext) -> Reaction<Self>;
}

/// Describes a process manager for a board: a policy, with the events that it reacts to
/// ([`React::EVENTS`](crate::React::EVENTS)), the commands that it sends, and its own events.
#[must_use]
pub fn describe_process<P: ProcessManager>() -> Component {
    Component::policy(P::NAME)
        .reacts_to(<P::Sources as SourceList<P>>::events())
        .sends(<P::Sends as SendList>::COMMANDS.iter().copied())
        .emits(P::Event::VARIANTS.iter().map(|variant| variant.name))
}
