//! Every kind of variant, with serde's attributes, is on the wire as it should be, and comes back as it was.

use std::collections::BTreeMap;

use aether_core::{ActorId, Event, Payload, Version};
use aether_event::{Decoded, DomainEvent, Old, Upcast, UpcastError, decode, encode};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    number: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Extra {
    colour: String,
    weight: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Kinds {
    Nothing,
    Wrapped(Address),
    MaybeWrapped(Option<Address>),
    WrappedUnit(()),
    Pair(i64, String),
    NoPair(),
    Empty {},
    #[event(name = "FieldsSet", version = 2, upcast(1 = same))]
    Fields {
        plain_field: u64,
        #[serde(rename = "kind")]
        r#type: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        list: Vec<i32>,
        #[serde(skip)]
        forgotten: u8,
        maybe: Option<String>,
    },
    Timed {
        #[serde(with = "time::serde::rfc3339")]
        due_at: OffsetDateTime,
        #[serde(with = "time::serde::rfc3339::option")]
        done_at: Option<OffsetDateTime>,
    },
    Flat {
        id: u64,
        #[serde(flatten)]
        extra: Extra,
    },
    Keyed {
        entries: BTreeMap<String, Vec<bool>>,
    },
    Bare(#[serde(with = "time::serde::timestamp")] OffsetDateTime),
}

fn same(old: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(old.data))
}

fn event(event_type: &'static str, payload: Payload) -> Event {
    let actor = ActorId::new("kinds-1").unwrap();
    Event::builder(&actor, Version::new(1), event_type).payload(payload).build().unwrap()
}

fn roundtrip(typed: &Kinds) -> (&'static str, Payload, Kinds) {
    let (event_type, payload) = encode(typed).unwrap();
    let Decoded::Known(events) = decode(&event(event_type, payload.clone())).unwrap() else {
        panic!("{event_type} is unknown")
    };
    let [decoded] = events.into_inner().unwrap();
    (event_type, payload, decoded)
}

#[test]
fn the_data_is_the_fields_and_nothing_else() {
    let address = || Address { street: "Main".into(), number: None };
    let moment = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let fields =
        Kinds::Fields { plain_field: 1, r#type: "a".into(), list: vec![], forgotten: 0, maybe: None };
    let timed = Kinds::Timed { due_at: moment, done_at: None };
    let extra = Extra { colour: "red".into(), weight: 0.5 };
    for (typed, event_type, data) in [
        (Kinds::Nothing, "Nothing", None),
        (Kinds::Wrapped(address()), "Wrapped", Some(r#"{"street":"Main","number":null}"#)),
        (Kinds::MaybeWrapped(None), "MaybeWrapped", Some("null")),
        (Kinds::WrappedUnit(()), "WrappedUnit", Some("null")),
        (Kinds::Pair(-1, "a".into()), "Pair", Some(r#"[-1,"a"]"#)),
        (Kinds::NoPair(), "NoPair", Some("[]")),
        (Kinds::Empty {}, "Empty", Some("{}")),
        (fields, "FieldsSet.v2", Some(r#"{"plainField":1,"kind":"a","maybe":null}"#)),
        (timed, "Timed", Some(r#"{"dueAt":"2023-11-14T22:13:20Z","doneAt":null}"#)),
        (Kinds::Flat { id: 7, extra }, "Flat", Some(r#"{"id":7,"colour":"red","weight":0.5}"#)),
        (Kinds::Bare(moment), "Bare", Some("1700000000")),
    ] {
        let (written, payload, decoded) = roundtrip(&typed);
        assert_eq!(written, event_type);
        assert_eq!(payload.bytes().map(|bytes| std::str::from_utf8(bytes).unwrap()), data);
        assert_eq!(decoded, typed);
    }
}

#[test]
fn the_variants_say_what_their_json_looks_like() {
    let described: Vec<String> = Kinds::VARIANTS
        .iter()
        .map(|variant| {
            let fields = variant.fields.iter().map(|field| {
                format!("{}{}: {}", field.name, if field.optional { "?" } else { "" }, field.ty)
            });
            format!("{} {:?} [{}]", variant.event_type, variant.shape, fields.collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(
        described,
        [
            "Nothing Unit []",
            "Wrapped Newtype [0: Address]",
            "MaybeWrapped Newtype [0: Option<Address>]",
            "WrappedUnit Newtype [0: ()]",
            "Pair Tuple [0: i64, 1: String]",
            "NoPair Tuple []",
            "Empty Struct []",
            "FieldsSet.v2 Struct [plainField: u64, kind: String, list?: Vec<i32>, maybe?: Option<String>]",
            "Timed Struct [dueAt: OffsetDateTime by time::serde::rfc3339, \
             doneAt: Option<OffsetDateTime> by time::serde::rfc3339::option]",
            "Flat Struct [id: u64, extra?: flattened Extra]",
            "Keyed Struct [entries: BTreeMap<String, Vec<bool>>]",
            "Bare Newtype [0: OffsetDateTime by time::serde::timestamp]",
        ]
    );
}

#[test]
fn unknown_fields_are_passed_over_and_missing_ones_are_not() {
    let data = json!({"plainField": 1, "kind": "a", "surplus": [1, 2]});
    let read = decode::<Kinds>(&event("FieldsSet.v2", Payload::json(&data).unwrap())).unwrap();
    assert!(matches!(read, Decoded::Known(_)));
    for (event_type, payload) in [
        ("FieldsSet.v2", Payload::json(&json!({"plainField": 1})).unwrap()),
        ("FieldsSet.v2", Payload::json("text").unwrap()),
        ("FieldsSet.v2", Payload::absent()),
        ("FieldsSet.v2", Payload::binary("bytes")),
        ("Timed", Payload::json(&json!({"dueAt": "2023-11-14T22:13:20Z"})).unwrap()),
        ("Pair", Payload::json(&json!([1])).unwrap()),
        ("Pair", Payload::json(&json!([1, "a", 2])).unwrap()),
    ] {
        let error = decode::<Kinds>(&event(event_type, payload)).unwrap_err();
        assert!(error.is_data(), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn what_json_cannot_say_is_not_encoded() {
    #[derive(Serialize, Deserialize, DomainEvent)]
    enum Odd {
        Paired { entries: BTreeMap<(u8, u8), u8> },
    }
    let error = encode(&Odd::Paired { entries: BTreeMap::from([((1, 2), 3)]) }).unwrap_err();
    assert_eq!(error.event_type(), "Paired");
}

fn kinds() -> impl Strategy<Value = Kinds> {
    let address =
        || (any::<String>(), any::<Option<u32>>()).prop_map(|(street, number)| Address { street, number });
    let moment =
        || (0..253_402_300_799_i64).prop_map(|seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap());
    prop_oneof![
        Just(Kinds::Nothing),
        address().prop_map(Kinds::Wrapped),
        proptest::option::of(address()).prop_map(Kinds::MaybeWrapped),
        Just(Kinds::WrappedUnit(())),
        any::<(i64, String)>().prop_map(|(a, b)| Kinds::Pair(a, b)),
        Just(Kinds::NoPair()),
        Just(Kinds::Empty {}),
        any::<(u64, String, Vec<i32>, Option<String>)>().prop_map(|(plain_field, r#type, list, maybe)| {
            Kinds::Fields { plain_field, r#type, list, forgotten: 0, maybe }
        }),
        (moment(), proptest::option::of(moment()))
            .prop_map(|(due_at, done_at)| Kinds::Timed { due_at, done_at }),
        (any::<u64>(), any::<String>(), any::<i32>()).prop_map(|(id, colour, weight)| Kinds::Flat {
            id,
            extra: Extra { colour, weight: weight.into() }
        }),
        any::<BTreeMap<String, Vec<bool>>>().prop_map(|entries| Kinds::Keyed { entries }),
        moment().prop_map(Kinds::Bare),
    ]
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(typed in kinds()) {
        prop_assert_eq!(roundtrip(&typed).2, typed);
    }
}
