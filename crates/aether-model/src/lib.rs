//! EventStorming boards as types: read and written as YAML or JSON, validated, drawn, and checked against code.
//!
//! A [`Board`] has the notes of an EventStorming workshop: events, commands, people, aggregates, policies, read models,
//! external systems and hot spots, in bounded contexts or outside of them. [`Board::validate`] knows the grammar between
//! them, [`Board::to_mermaid`] draws them in their colours, and [`Board::check`] compares the board with what the code says
//! of itself, as [`Component`]s. `docs/eventstorming.md` leads from a first workshop to there.
//!
//! ```
//! use aether_model::{Board, Component};
//!
//! # #[cfg(feature = "yaml")] {
//! let board = Board::from_yaml(
//!     "
//! board: Bank
//! people:
//!   Customer:
//!     issue: [Open account, Withdraw]
//! contexts:
//!   banking:
//!     aggregates:
//!       Account:
//!         handles: [Open account, Withdraw]
//!         emits: [Account opened, Money withdrawn]
//! ",
//! )?;
//! board.validate()?;
//!
//! let code = Component::aggregate("account").handles(["OpenAccount", "Withdraw"]).emits(["AccountOpened"]);
//! let mismatches = board.check(&[code]).unwrap_err();
//! assert_eq!(
//!     mismatches.to_string(),
//!     "board and code differ in 1 place
//! the board's context `banking` says that aggregate `Account` emits `Money withdrawn`, the code has no such event
//!   help: add it to the enum of its events, or take it from the board"
//! );
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod board;
mod check;
mod component;
mod elements;
mod findings;
mod flow;
mod format;
mod grammar;
mod index;
mod mermaid;
mod name;
#[cfg(feature = "serde")]
mod serial;
mod validate;

pub use board::{Board, BoundedContext};
pub use component::Component;
pub use elements::{
    Aggregate, Command, DomainEvent, Element, Elements, ExternalSystem, Field, HotSpot, Person, Policy,
    ReadModel,
};
pub use findings::{Lacks, Mismatch, Mismatches, Place, Problem, Problems, Severity};
pub use flow::{Flow, Sticky};
pub use format::FormatError;
pub use grammar::Kind;
pub use name::{Key, Name, Reference};

/// The boards in `docs/`, compiled and run with the tests.
#[cfg(all(doctest, feature = "yaml"))]
#[doc = include_str!("../../../docs/eventstorming.md")]
mod eventstorming {}
