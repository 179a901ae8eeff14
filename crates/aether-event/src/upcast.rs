//! What an upcaster takes, gives, and says when it cannot: [`Old`], [`Upcast`], [`UpcastError`].

use std::borrow::Cow;
use std::fmt;

use aether_core::{Event, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The data of an older version, and the event that it is from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Old {
    /// The data; `null` if there is none.
    pub data: Value,
    event_type: String,
    event: Event,
}

impl Old {
    pub(crate) fn new(event_type: &str, data: Value, event: &Event) -> Self {
        Self { data, event_type: event_type.to_owned(), event: event.clone() }
    }

    /// The type on the wire that the data is of. It is the event's own only in the first step of several.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The event as it was saved: its actor, its timestamp, its metadata.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The whole data as a value, mostly a struct that is kept for that.
    ///
    /// # Errors
    /// [`UpcastError`] if the data is not a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, UpcastError> {
        T::deserialize(&self.data).map_err(|e| UpcastError::because("the data is not what was expected", e))
    }

    /// Takes a field out of the data.
    ///
    /// # Errors
    /// [`UpcastError`] if the data is no object, has no such field, or the field is not a `T`. It is out then, too.
    pub fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, UpcastError> {
        let value = self
            .object()?
            .remove(field)
            .ok_or_else(|| UpcastError::new(format!("there is no field `{field}`")))?;
        T::deserialize(value)
            .map_err(|e| UpcastError::because(format!("the field `{field}` is not what was expected"), e))
    }

    /// Puts a field into the data, in place of one of that name that is there.
    ///
    /// # Errors
    /// [`UpcastError`] if the data is no object, or the value is no JSON.
    pub fn set<T: Serialize>(&mut self, field: &str, value: T) -> Result<(), UpcastError> {
        let value = serde_json::to_value(value)?;
        self.object()?.insert(field.to_owned(), value);
        Ok(())
    }

    fn object(&mut self) -> Result<&mut serde_json::Map<String, Value>, UpcastError> {
        self.data.as_object_mut().ok_or_else(|| UpcastError::new("the data is no JSON object"))
    }
}

/// The result of an upcaster: newer data, several events, or nothing.
///
/// The result need not be the newest version: it is upcast further until it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Upcast(pub(crate) Outcome);

/// What an upcaster said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Data for the only type that the upcaster leads to.
    Only(Value),
    /// Data for types that are named.
    Named(Vec<(Cow<'static, str>, Value)>),
}

impl Upcast {
    /// Data of the type that the upcaster leads to: of the next version, if nothing else was declared.
    pub fn to(data: impl Into<Value>) -> Self {
        Self(Outcome::Only(data.into()))
    }

    /// Several events in this order, each with its type on the wire, such as `AccountNamed` or `AccountNamed.v2`. All of
    /// them have to be among those that the upcaster was declared to lead to.
    pub fn split<T: Into<Cow<'static, str>>>(events: impl IntoIterator<Item = (T, Value)>) -> Self {
        Self(Outcome::Named(events.into_iter().map(|(event_type, data)| (event_type.into(), data)).collect()))
    }

    /// Nothing: readers do not see the event.
    #[must_use]
    pub fn dropped() -> Self {
        Self(Outcome::Named(Vec::new()))
    }
}

/// The reason why an upcaster failed, mostly because the data is not what it expected.
///
/// Errors of serde_json become it by `?`.
#[derive(Debug)]
pub struct UpcastError {
    what: String,
    source: Option<Source>,
}

impl UpcastError {
    /// An error with a message: lower case, what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// An error with a message and its cause.
    pub fn because(what: impl Into<String>, source: impl Into<Source>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for UpcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for UpcastError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<serde_json::Error> for UpcastError {
    fn from(error: serde_json::Error) -> Self {
        Self::because("the data is not what was expected", error)
    }
}
