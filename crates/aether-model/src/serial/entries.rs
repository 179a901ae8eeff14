//! Named entries: a map from names to what there is to say, or a list of names where there is nothing to say.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::Name;

/// Something with a name, which is the key in the map.
pub(super) trait Entry: Clone + Default + PartialEq + Serialize + DeserializeOwned {
    /// Its name.
    fn entry_name(&mut self) -> &mut Name;

    /// What is said of it where one text says all.
    fn entry_text(&mut self) -> &mut Option<String>;
}

/// An entry without its name, in the shortest form that says everything.
enum Short<'a, T> {
    Nothing,
    Text(String),
    Full(&'a T),
}

fn shorten<T: Entry>(entry: &T) -> (Name, Short<'_, T>) {
    let mut rest = entry.clone();
    let name = std::mem::take(rest.entry_name());
    let text = rest.entry_text().take();
    let short = match text {
        _ if rest != T::default() => Short::Full(entry),
        Some(text) => Short::Text(text),
        None => Short::Nothing,
    };
    (name, short)
}

impl<T: Serialize> Serialize for Short<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Full(entry) => entry.serialize(serializer),
        }
    }
}

/// Writes entries in their shortest form, under a key unless there are none.
pub(super) fn write_entries<T: Entry, M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    list: &[T],
) -> Result<(), M::Error> {
    struct Written<'a, T>(&'a [T]);

    impl<T: Entry> Serialize for Written<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serialize(self.0, serializer)
        }
    }

    if list.is_empty() { Ok(()) } else { map.serialize_entry(key, &Written(list)) }
}

fn serialize<T: Entry, S: Serializer>(entries: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let entries: Vec<_> = entries.iter().map(shorten).collect();
    if entries.iter().all(|(_, short)| matches!(short, Short::Nothing)) {
        return serializer.collect_seq(entries.iter().map(|(name, _)| name));
    }
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (name, short) in &entries {
        map.serialize_entry(name, short)?;
    }
    map.end()
}

/// Entries in any form. Two of one name are both there: validation reports them.
pub(super) struct Read<T>(pub(super) Vec<T>);

impl<'de, T: Entry> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor(PhantomData)).map(Self)
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Entry> Visitor<'de> for EntriesVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with what there is to say of each, or a list of names")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(vec![named(Name::new(name), T::default())])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = names.next_element()? {
            entries.push(named(name, T::default()));
        }
        Ok(entries)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key()? {
            let Said(entry) = map.next_value()?;
            entries.push(named(name, entry));
        }
        Ok(entries)
    }
}

fn named<T: Entry>(name: Name, mut entry: T) -> T {
    *entry.entry_name() = name;
    entry
}

/// What is said of an entry: nothing, a text, or all of it.
struct Said<T>(T);

impl<'de, T: Entry> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor(PhantomData)).map(Self)
    }
}

struct SaidVisitor<T>(PhantomData<T>);

impl<'de, T: Entry> Visitor<'de> for SaidVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with their values, a text, or nothing")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let mut entry = T::default();
        *entry.entry_text() = Some(text.to_owned());
        Ok(entry)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
