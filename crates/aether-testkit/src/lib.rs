//! Scenarios for actors, process managers and projections: given, when, then, without a runtime or a server.
//!
//! For authors of applications. An actor is a set of pure functions, so its rules are tested as functions: given these
//! events, when this command comes, then these events are saved and this reply is sent. [`properties`] checks the same for
//! random commands.
//!
//! This crate must not know a store, a server or a runtime; rules for stores are in `aether-conformance`, real servers in
//! `aether-nats-server`.
//!
//! ```
//! use aether_actor::{Actor, Command, CommandContext, Decision, Handle};
//! use aether_actor::event::DomainEvent;
//! use aether_testkit::scenario;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
//! enum AccountEvent {
//!     Deposited { cents: u64 },
//!     Withdrawn { cents: u64 },
//! }
//!
//! #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
//! struct Account { cents: u64 }
//!
//! #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
//! #[error("overdrawn by {by}")]
//! struct Overdrawn { by: u64 }
//!
//! #[derive(Debug, Serialize, Deserialize, Command)]
//! struct Withdraw { cents: u64 }
//!
//! impl Actor for Account {
//!     const CATEGORY: &'static str = "account";
//!     type Event = AccountEvent;
//!     type Error = Overdrawn;
//!     type Commands = (Withdraw,);
//!     type Queries = ();
//!
//!     fn evolve(&mut self, event: &AccountEvent) {
//!         match event {
//!             AccountEvent::Deposited { cents } => self.cents += cents,
//!             AccountEvent::Withdrawn { cents } => self.cents -= cents,
//!         }
//!     }
//! }
//!
//! impl Handle<Withdraw> for Account {
//!     type Reply = u64;
//!
//!     fn decide(&self, command: &Withdraw, _: &CommandContext) -> Result<Decision<Self, u64>, Overdrawn> {
//!         let Some(left) = self.cents.checked_sub(command.cents) else {
//!             return Err(Overdrawn { by: command.cents - self.cents });
//!         };
//!         Ok(Decision::event(AccountEvent::Withdrawn { cents: command.cents }).reply(left))
//!     }
//! }
//!
//! scenario::<Account>()
//!     .given([AccountEvent::Deposited { cents: 12 }])
//!     .when(Withdraw { cents: 5 })
//!     .then([AccountEvent::Withdrawn { cents: 5 }])
//!     .then_reply(&7)
//!     .when(Withdraw { cents: 8 })
//!     .then_error(Overdrawn { by: 1 });
//! ```
//!
//! What is given is written and read as a store would, so an event that cannot be stored, or does not come back as it was,
//! fails the scenario; so do commands, replies and errors that do not survive their way. Old events, as they are in a log,
//! are [given as JSON](Scenario::given_stored), and are upcast.
//!
//! What holds whatever the commands are is a property: [`properties`].

mod actor;
mod compare;
mod decided;
mod history;
mod process;
#[cfg(feature = "projection")]
mod projection;
pub mod properties;
mod reacted;
mod shown;

pub use actor::{Scenario, scenario};
pub use decided::Decided;
pub use history::START;
pub use process::{ProcessScenario, process};
#[cfg(feature = "projection")]
pub use projection::{ProjectionScenario, projection};
pub use reacted::Reacted;
