//! [`Value`]: a view and what it has seen, as they are stored.

use aether_coordination::{Condition, Entry};
use aether_core::Source;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::seen::Seen;

/// A view and what it has seen, as they are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Value<V> {
    pub(crate) seen: Seen,
    pub(crate) view: V,
}

impl<V: DeserializeOwned> Value<V> {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Source> {
        serde_json::from_slice(bytes).map_err(Into::into)
    }
}

impl<V: Serialize> Value<V> {
    pub(crate) fn encode(&self) -> Result<Bytes, Source> {
        serde_json::to_vec(self).map(Bytes::from).map_err(Into::into)
    }
}

impl<V: Default> Default for Loaded<V> {
    fn default() -> Self {
        Self { value: Value { seen: Seen::default(), view: V::default() }, condition: Condition::Absent }
    }
}

/// A value, and what a write over it has to expect.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<V> {
    pub(crate) value: Value<V>,
    pub(crate) condition: Condition,
}

impl<V: DeserializeOwned + Default> Loaded<V> {
    pub(crate) fn of(entry: Option<Entry>) -> Result<Self, Source> {
        match entry {
            None => Ok(Self::default()),
            Some(entry) => {
                Ok(Self { value: Value::decode(&entry.value)?, condition: Condition::At(entry.revision) })
            }
        }
    }
}
