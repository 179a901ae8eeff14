//! Typed events of Aether: an enum whose variants have stable names and versions, and old logs that newer code still reads.
//!
//! A store keeps events for years, code changes every day. This crate is what lies between: what is in the log stays as it
//! was written, and is brought up to date when it is read.
//!
//! # The events of an actor
//!
//! An enum, and each variant is a type of event:
//!
//! ```
//! use aether_core::{ActorId, Event, Version};
//! use aether_event::{Decoded, DomainEvent, decode, encode};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
//! enum AccountEvent {
//!     #[event(name = "AccountOpened")]
//!     Opened { owner: String },
//!     Deposited { cents: u64 },
//!     Closed,
//! }
//!
//! let (event_type, payload) = encode(&AccountEvent::Opened { owner: "ada".into() })?;
//! assert_eq!(event_type, "AccountOpened");
//!
//! let account = ActorId::new("account-1")?;
//! let saved = Event::builder(&account, Version::new(1), event_type).payload(payload).build()?;
//! assert_eq!(saved.data::<serde_json::Value>()?, serde_json::json!({"owner": "ada"}));
//!
//! let Decoded::Known(events) = decode::<AccountEvent>(&saved)? else { panic!("the type is known") };
//! assert_eq!(events[..], [AccountEvent::Opened { owner: "ada".into() }]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The type of an event is the name of its variant, or what `name` says, so that a variant can be renamed in the code and its
//! events keep their type. The data is the variant's fields alone, as serde writes them; serde's attributes on fields work as
//! everywhere. On the enum, serde's `tag` and its like are refused: the type stands beside the data, not in it.
//!
//! # Changing an event
//!
//! Whoever changes what the data of an event looks like raises its version, and says how the data of the version before
//! becomes the new one. The version is part of the type on the wire: version 1 is `Deposited`, version 2 `Deposited.v2`.
//!
//! ```
//! # use aether_core::{ActorId, Event, Version};
//! # use aether_event::DomainEvent;
//! use aether_event::{Old, UnknownEvents, Upcast, UpcastError, decode_with};
//! # use serde::{Deserialize, Serialize};
//! use serde_json::json;
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
//! enum AccountEvent {
//!     #[event(version = 3, upcast(1 = cents_from_units, 2 = with_currency))]
//!     Deposited { cents: u64, currency: String },
//! }
//!
//! fn cents_from_units(mut old: Old) -> Result<Upcast, UpcastError> {
//!     let units: u64 = old.take("units")?;
//!     old.set("cents", units * 100)?;
//!     Ok(Upcast::to(old.data))
//! }
//!
//! fn with_currency(mut old: Old) -> Result<Upcast, UpcastError> {
//!     old.set("currency", "EUR")?;
//!     Ok(Upcast::to(old.data))
//! }
//!
//! let account = ActorId::new("account-1")?;
//! let first = Event::new(&account, Version::new(1), "Deposited", &json!({"units": 5}))?;
//! let events = decode_with::<AccountEvent>(&first, UnknownEvents::Fail)?;
//! assert_eq!(events[..], [AccountEvent::Deposited { cents: 500, currency: "EUR".into() }]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An upcaster is a plain function from JSON to JSON. It stays as it is for ever: when version 4 comes, only an upcaster
//! from 3 is written. A field that may be missing (an `Option`, or with serde's `default`) can be added without a new
//! version.
//!
//! # Renaming, splitting, retiring
//!
//! `was = "…"` gives an event a new name; what was saved under the older one is read as before. An upcaster may lead to other
//! events than the next version of its own: they stand behind `=>`, and [`Upcast::split`] says which data is for which.
//! `retired` is for types that have no variant any more. [`Upcast::dropped`] lets an event be as if it had never been.
//!
//! ```
//! # use aether_event::{DomainEvent, Old, Upcast, UpcastError};
//! # use serde::{Deserialize, Serialize};
//! # use serde_json::json;
//! #[derive(Serialize, Deserialize, DomainEvent)]
//! #[event(retired("AccountClosedByCourt", upcast(1 = closed => ("Frozen", "Closed"))))]
//! enum AccountEvent {
//!     #[event(was = "AccountCreated")]
//!     Opened { owner: String },
//!     Frozen,
//!     Closed { reason: String },
//! }
//!
//! fn closed(_: Old) -> Result<Upcast, UpcastError> {
//!     Ok(Upcast::split([("Frozen", json!(null)), ("Closed", json!({"reason": "court"}))]))
//! }
//!
//! aether_event::check::<AccountEvent>()?;
//! assert_eq!(
//!     aether_event::types::<AccountEvent>(),
//!     ["Opened", "AccountCreated", "Frozen", "Closed", "AccountClosedByCourt"]
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`check()`] finds upcasters that lead nowhere or in circles; the actor runtime calls it when it starts.
//!
//! # Unknown events
//!
//! A type that the enum does not know, or a version later than its own, is [`Decoded::Unknown`]. [`decode_with`] takes a
//! policy: fail, with an error that names the event, or skip. To fail is right wherever state is made of the events. Events
//! whose types begin with `aether.` are Aether's own, [`Decoded::System`], and never in the way.
//!
//! # The schema file
//!
//! A test of a line makes sure that nobody changes an event and forgets the version. It compares the code with a file that
//! is kept beside it, mostly `concat!(env!("CARGO_MANIFEST_DIR"), "/schemas.json")`:
//!
//! ```
//! use aether_event::{Schema, check_schemas, write_schemas};
//!
//! mod monday {
//! #   use aether_event::DomainEvent;
//! #   use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize, DomainEvent)]
//!     pub enum AccountEvent {
//!         Deposited { cents: u32 },
//!     }
//! }
//!
//! mod tuesday {
//! #   use aether_event::DomainEvent;
//! #   use serde::{Deserialize, Serialize};
//!     #[derive(Serialize, Deserialize, DomainEvent)]
//!     pub enum AccountEvent {
//!         Deposited { cents: u64 },
//!     }
//! }
//!
//! let path = "schemas.json";
//! # let path = std::env::temp_dir().join(format!("{}.json", uuid::Uuid::now_v7()));
//! write_schemas(&path, &[Schema::of::<monday::AccountEvent>()])?;
//! check_schemas(&path, &[Schema::of::<monday::AccountEvent>()])?;
//!
//! let error = check_schemas(&path, &[Schema::of::<tuesday::AccountEvent>()]).unwrap_err();
//! assert!(error.to_string().contains(
//!     "`Deposited` of AccountEvent has changed (field `cents: u64` was `u32`) but is still version 1: \
//!      say `version = 2` and `upcast(1 = …)`"
//! ));
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The file is written anew by running that test with `AETHER_WRITE_SCHEMAS=1`, which refuses what would make old events
//! unreadable. It keeps the fields of all versions that there ever were, and so also says what may be in a log.

// For the derive, which names this crate from outside, also where it is used inside.
extern crate self as aether_event;

mod check;
mod decode;
mod domain_event;
mod encode;
mod error;
mod schema;
mod upcast;
mod wire;

pub use aether_derive::DomainEvent;
pub use check::{InvalidEvents, check};
pub use decode::{Decoded, Events, UnknownEvents, UnknownType, decode, decode_with};
pub use domain_event::{DomainEvent, Field, Retired, Shape, Upcaster, Variant};
pub use encode::{EncodeError, encode};
pub use error::DecodeError;
pub use schema::{Schema, SchemaError, WRITE_SCHEMAS, check_schemas, write_schemas};
pub use upcast::{Old, Upcast, UpcastError};
pub use wire::{SYSTEM_PREFIX, is_system, types};
