//! Boards and contexts as maps. Their sections stand beside their names and descriptions, and a key that is none is refused
//! where it stands, which derived flattening could not do.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::entries::{Entry, Read, write_entries};
use super::forms::Many;
use super::notes::Seen;
use crate::elements::Elements;
use crate::{Board, BoundedContext, Name};

const BOARD_KEYS: &[&str] = &[
    "board",
    "description",
    "events",
    "commands",
    "people",
    "aggregates",
    "policies",
    "read_models",
    "external_systems",
    "hot_spots",
    "contexts",
];

impl Serialize for Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("board", &self.name)?;
        write(&mut map, self.description.as_ref(), &self.elements)?;
        write_entries(&mut map, "contexts", &self.contexts)?;
        map.end()
    }
}

impl Serialize for BoundedContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write(&mut map, self.description.as_ref(), &self.elements)?;
        map.end()
    }
}

fn write<M: SerializeMap>(
    map: &mut M,
    description: Option<&String>,
    elements: &Elements,
) -> Result<(), M::Error> {
    if let Some(description) = description {
        map.serialize_entry("description", description)?;
    }
    write_entries(map, "events", &elements.events)?;
    write_entries(map, "commands", &elements.commands)?;
    write_entries(map, "people", &elements.people)?;
    write_entries(map, "aggregates", &elements.aggregates)?;
    write_entries(map, "policies", &elements.policies)?;
    write_entries(map, "read_models", &elements.read_models)?;
    write_entries(map, "external_systems", &elements.external_systems)?;
    if !elements.hot_spots.is_empty() {
        map.serialize_entry("hot_spots", &elements.hot_spots)?;
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Board {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BoardVisitor)
    }
}

impl<'de> Deserialize<'de> for BoundedContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ContextVisitor)
    }
}

impl Entry for BoundedContext {
    fn entry_name(&mut self) -> &mut Name {
        &mut self.name
    }

    fn entry_text(&mut self) -> &mut Option<String> {
        &mut self.description
    }
}

struct BoardVisitor;

impl<'de> Visitor<'de> for BoardVisitor {
    type Value = Board;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a board, which begins with `board:` and its name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Board, A::Error> {
        let mut board = Board::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<String>()? {
            seen.once(&key)?;
            match &*key {
                "board" => board.name = map.next_value()?,
                "contexts" => board.contexts = map.next_value::<Read<_>>()?.0,
                key => read(key, BOARD_KEYS, &mut map, &mut board.description, &mut board.elements)?,
            }
        }
        if seen.has("board") { Ok(board) } else { Err(A::Error::missing_field("board")) }
    }
}

struct ContextVisitor;

impl<'de> Visitor<'de> for ContextVisitor {
    type Value = BoundedContext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a context")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BoundedContext, A::Error> {
        let mut context = BoundedContext::default();
        let mut seen = Seen::default();
        // A context has the board's keys but for its name, which is the key before it, and contexts in itself.
        let keys = BOARD_KEYS.get(1..BOARD_KEYS.len() - 1).unwrap_or(BOARD_KEYS);
        while let Some(key) = map.next_key::<String>()? {
            seen.once(&key)?;
            read(&key, keys, &mut map, &mut context.description, &mut context.elements)?;
        }
        Ok(context)
    }
}

fn read<'de, A: MapAccess<'de>>(
    key: &str,
    keys: &'static [&'static str],
    map: &mut A,
    description: &mut Option<String>,
    elements: &mut Elements,
) -> Result<(), A::Error> {
    match key {
        "description" => *description = map.next_value()?,
        "events" => elements.events = map.next_value::<Read<_>>()?.0,
        "commands" => elements.commands = map.next_value::<Read<_>>()?.0,
        "people" => elements.people = map.next_value::<Read<_>>()?.0,
        "aggregates" => elements.aggregates = map.next_value::<Read<_>>()?.0,
        "policies" => elements.policies = map.next_value::<Read<_>>()?.0,
        "read_models" => elements.read_models = map.next_value::<Read<_>>()?.0,
        "external_systems" => elements.external_systems = map.next_value::<Read<_>>()?.0,
        "hot_spots" => elements.hot_spots = map.next_value::<Many<_>>()?.0,
        unknown => return Err(A::Error::unknown_field(unknown, keys)),
    }
    Ok(())
}
