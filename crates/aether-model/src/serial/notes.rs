//! Notes as maps of what there is to say. Their names are the keys before them.
//!
//! Written by hand, since derives would be compiled for each note, and would refuse less clearly.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::entries::{Entry, Read, write_entries};
use super::forms::{Many, TextOr};
use crate::elements::{
    Aggregate, Command, DomainEvent, ExternalSystem, Field, HotSpot, Person, Policy, ReadModel,
};
use crate::{Name, Reference};

/// The value of a key of a note. Nothing is written of what is empty.
trait Value: Sized {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error>;

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error>;
}

impl Value for Option<String> {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |text| map.serialize_entry(key, text))
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        map.next_value()
    }
}

impl Value for Vec<Reference> {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        if self.is_empty() { Ok(()) } else { map.serialize_entry(key, self) }
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        map.next_value::<Many<_>>().map(|many| many.0)
    }
}

impl Value for Vec<Field> {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        write_entries(map, key, self)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
        map.next_value::<Read<_>>().map(|entries| entries.0)
    }
}

/// `Note(short) { key: field, … }`: the keys in the order in which they are written, and the field whose text alone may
/// stand for all of the note.
macro_rules! note {
    ($($note:ident($short:ident) { $($key:literal: $field:ident),* })*) => {
        $(impl Serialize for $note {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $(self.$field.write($key, &mut map)?;)*
                map.end()
            }
        }

        impl<'de> Deserialize<'de> for $note {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct NoteVisitor;

                impl<'de> Visitor<'de> for NoteVisitor {
                    type Value = $note;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("keys with their values")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$note, A::Error> {
                        let (mut note, mut seen) = ($note::default(), Seen::default());
                        while let Some(key) = map.next_key::<String>()? {
                            seen.once(&key)?;
                            match &*key {
                                $($key => note.$field = Value::read(&mut map)?,)*
                                unknown => return Err(A::Error::unknown_field(unknown, &[$($key),*])),
                            }
                        }
                        Ok(note)
                    }
                }

                deserializer.deserialize_map(NoteVisitor)
            }
        }

        impl Entry for $note {
            fn entry_name(&mut self) -> &mut Name {
                &mut self.name
            }

            fn entry_text(&mut self) -> &mut Option<String> {
                &mut self.$short
            }
        })*
    };
}

note! {
    DomainEvent(notes) { "notes": notes, "fields": fields }
    Command(notes) { "notes": notes, "fields": fields }
    Field(of) { "type": of }
    Person(notes) { "notes": notes, "issue": issue, "look_at": look_at }
    Aggregate(notes) { "notes": notes, "handles": handles, "emits": emits, "answers": answers }
    Policy(notes) {
        "notes": notes, "when": when, "after": after, "look_at": look_at, "then": then, "emits": emits
    }
    ReadModel(notes) { "notes": notes, "from": from }
    ExternalSystem(notes) { "notes": notes, "receives": receives, "emits": emits }
}

impl Serialize for HotSpot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", &self.text)?;
        self.about.write("about", &mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for HotSpot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match TextOr::deserialize(deserializer)? {
            TextOr::Text(text) => Self::new(text),
            TextOr::Full(FullHotSpot { text, about }) => Self { text, about: about.0 },
        })
    }
}

/// A hot spot with all of its keys.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FullHotSpot {
    text: Name,
    #[serde(default)]
    about: Many<Reference>,
}

macro_rules! text {
    ($($text:ident),*) => {
        $(impl Serialize for $text {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $text {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::new)
            }
        })*
    };
}

text!(Name, Reference);

/// The keys that a map has had.
#[derive(Default)]
pub(super) struct Seen(Vec<String>);

impl Seen {
    pub(super) fn once<E: Error>(&mut self, key: &str) -> Result<(), E> {
        if self.has(key) {
            return Err(E::custom(format_args!("`{key}` is there twice: join the two")));
        }
        self.0.push(key.to_owned());
        Ok(())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|seen| seen == key)
    }
}
