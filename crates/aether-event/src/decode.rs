//! [`decode`]: a saved event as typed events; the deserializer puts data into the variant of an index.

use std::borrow::Cow;

use aether_core::{Event, Payload, PayloadError, Source};
use serde::de::value::U64Deserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use smallvec::{SmallVec, smallvec};

use crate::error::Problem;
use crate::upcast::Outcome;
use crate::wire::{Found, find};
use crate::{DecodeError, DomainEvent, Old, is_system};

/// The typed events that a saved event is: one; several, or none, if an upcaster said so.
pub type Events<E> = SmallVec<[E; 1]>;

/// A saved event, decoded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decoded<E> {
    /// These typed events.
    Known(Events<E>),
    /// Nothing that the code knows: the type, or this version of it, is not there.
    Unknown(UnknownType),
    /// One of Aether's own, see [`is_system`]. It is not for the actor.
    System,
}

/// A type of event that the code does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownType {
    /// The latest version that the code knows, if it knows the type, and the event was written by newer code.
    pub known_version: Option<u32>,
}

/// The policy for events of unknown types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnknownEvents {
    /// Fail, with the event's id and type.
    #[default]
    Fail,
    /// Pass over them as if they were not there.
    Skip,
}

/// Decodes a saved event: into its variant, or for an older version into the results of its upcasters.
///
/// # Errors
/// [`DecodeError`] if the data is not what the type says, or an upcaster fails.
pub fn decode<E: DomainEvent>(event: &Event) -> Result<Decoded<E>, DecodeError> {
    if is_system(event.event_type()) {
        return Ok(Decoded::System);
    }
    let known = match find::<E>(event.event_type()) {
        Found::Current(index) => from_payload(index, event.payload())
            .map(|typed| smallvec![typed])
            .map_err(|source| Problem::Data { step: None, source }),
        Found::Newer(known) => return Ok(Decoded::Unknown(UnknownType { known_version: Some(known) })),
        Found::Unknown => return Ok(Decoded::Unknown(UnknownType { known_version: None })),
        Found::Old { .. } | Found::Stuck => from_old(event),
    };
    known.map(Decoded::Known).map_err(|problem| DecodeError::new(E::NAME, event, problem))
}

/// The typed events that a saved event is. Aether's own events are none.
///
/// # Errors
/// As [`decode`]; also [`DecodeError`] for an unknown type, if [`UnknownEvents::Fail`] is asked for.
pub fn decode_with<E: DomainEvent>(event: &Event, unknown: UnknownEvents) -> Result<Events<E>, DecodeError> {
    match decode(event)? {
        Decoded::Known(events) => Ok(events),
        Decoded::System => Ok(Events::new()),
        Decoded::Unknown(what) => match unknown {
            UnknownEvents::Skip => Ok(Events::new()),
            UnknownEvents::Fail => {
                let problem = what.known_version.map_or(Problem::Unknown, |known| Problem::Newer { known });
                Err(DecodeError::new(E::NAME, event, problem))
            }
        },
    }
}

/// The variant of this index, straight from the bytes.
fn from_payload<E: DomainEvent>(index: usize, payload: &Payload) -> Result<E, Source> {
    let Some(bytes) = json(payload)? else {
        return Ok(E::deserialize(Tagged { index, content: None::<Value> })?);
    };
    Ok(E::deserialize(Tagged { index, content: Some(&mut serde_json::Deserializer::from_slice(bytes)) })?)
}

fn json(payload: &Payload) -> Result<Option<&[u8]>, PayloadError> {
    match (payload.bytes(), payload.content_type()) {
        (Some(bytes), _) if payload.is_json() => Ok(Some(bytes)),
        (Some(_), Some(content_type)) => {
            Err(PayloadError::NotTyped { content_type: content_type.to_owned() })
        }
        _ => Ok(None),
    }
}

fn from_old<E: DomainEvent>(event: &Event) -> Result<Events<E>, Problem> {
    let data = json(event.payload())
        .map_err(Source::from)
        .and_then(|bytes| Ok(bytes.map_or(Ok(Value::Null), serde_json::from_slice)?))
        .map_err(|source| Problem::Data { step: None, source })?;
    let mut events = Events::new();
    upcast(event, event.event_type(), data, &mut Vec::new(), &mut events)?;
    Ok(events)
}

/// Upcasts `data` until it is up to date, and appends what it has become. `path` is the old types that were passed on
/// the way here: coming by one of them again would never end.
fn upcast<E: DomainEvent>(
    event: &Event,
    event_type: &str,
    data: Value,
    path: &mut Vec<String>,
    events: &mut Events<E>,
) -> Result<(), Problem> {
    let step = || event_type.to_owned();
    let (upcaster, next) = match find::<E>(event_type) {
        Found::Current(index) => {
            let typed = E::deserialize(Tagged { index, content: Some(data) })
                .map_err(|error| Problem::Data { step: Some(step()), source: error.into() })?;
            events.push(typed);
            return Ok(());
        }
        Found::Old { upcaster, next } => (upcaster, next),
        Found::Stuck => return Err(Problem::Stuck { step: step() }),
        Found::Newer(_) | Found::Unknown => return Err(Problem::Astray { step: step() }),
    };
    if path.iter().any(|passed| passed == event_type) {
        return Err(Problem::Circle { step: step() });
    }
    let outcome = (upcaster.upcast)(Old::new(event_type, data, event))
        .map_err(|source| Problem::Upcast { step: step(), source })?;
    let pieces = match (outcome.0, upcaster.into) {
        (Outcome::Only(data), []) => vec![(next, data)],
        (Outcome::Only(data), [only]) => vec![(Cow::Borrowed(*only), data)],
        (Outcome::Only(_), _) => return Err(Problem::Ambiguous { step: step() }),
        (Outcome::Named(pieces), into) => {
            let declared =
                |target: &str| if into.is_empty() { target == next } else { into.contains(&target) };
            if let Some((target, _)) = pieces.iter().find(|(target, _)| !declared(target)) {
                return Err(Problem::Undeclared { step: step(), target: target.to_string() });
            }
            pieces
        }
    };
    path.push(step());
    for (target, data) in pieces {
        upcast(event, &target, data, path, events)?;
    }
    path.pop();
    Ok(())
}

/// The variant of this index, with this data.
pub(crate) struct Tagged<D> {
    pub(crate) index: usize,
    /// `None` if there is no data.
    pub(crate) content: Option<D>,
}

impl<'de, D: Deserializer<'de>> Tagged<D> {
    fn content(self) -> Result<D, D::Error> {
        self.content.ok_or_else(|| D::Error::custom("there is no data"))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(D::Error::custom(
            "serde does not read it as an enum whose variants are named outside of their data",
        ))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Tagged<D> {
    type Error = D::Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), D::Error> {
        let index: U64Deserializer<D::Error> = (self.index as u64).into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Tagged<D> {
    type Error = D::Error;

    /// Data that a variant without fields has no use for is passed over, like unknown fields.
    fn unit_variant(self) -> Result<(), D::Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
