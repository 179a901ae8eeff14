//! The trait by hand: it works like the derived one, and mistakes are found.

use aether_core::{ActorId, Event, Version};
use aether_event::{
    Decoded, DomainEvent, Field, Old, Retired, Shape, Upcast, UpcastError, Upcaster, Variant, check, decode,
    encode,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

fn same(old: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(old.data))
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum DoorEvent {
    Opened,
    Painted { colour: String },
}

impl DomainEvent for DoorEvent {
    const NAME: &'static str = "DoorEvent";
    const VARIANTS: &'static [Variant] = &[
        Variant::new("DoorOpened", 1, "DoorOpened"),
        Variant::new("DoorPainted", 2, "DoorPainted.v2")
            .with_data(Shape::Struct, &[Field::new("colour", "String")])
            .with_upcasters(&[Upcaster::new(1, same)]),
    ];

    fn variant(&self) -> usize {
        match self {
            Self::Opened => 0,
            Self::Painted { .. } => 1,
        }
    }
}

#[test]
fn an_enum_by_hand_is_as_good_as_a_derived_one() {
    check::<DoorEvent>().unwrap();
    let door = ActorId::new("door-1").unwrap();
    for (typed, on_wire) in
        [(DoorEvent::Opened, "DoorOpened"), (DoorEvent::Painted { colour: "red".into() }, "DoorPainted.v2")]
    {
        let (event_type, payload) = encode(&typed).unwrap();
        assert_eq!(event_type, on_wire);
        let event = Event::builder(&door, Version::new(1), event_type).payload(payload).build().unwrap();
        assert_eq!(decode(&event).unwrap(), Decoded::Known([typed].into()));
    }
    let old = Event::new(&door, Version::new(1), "DoorPainted", &json!({"colour": "blue"})).unwrap();
    let painted = DoorEvent::Painted { colour: "blue".into() };
    assert_eq!(decode(&old).unwrap(), Decoded::Known([painted].into()));
}

/// Its variants are the wrong way round.
#[derive(Serialize, Deserialize)]
enum Crossed {
    Left(u8),
    Right(u8),
}

impl DomainEvent for Crossed {
    const NAME: &'static str = "Crossed";
    const VARIANTS: &'static [Variant] = &[
        Variant::new("Right", 1, "Right").with_data(Shape::Newtype, &[]),
        Variant::new("Left", 1, "Left").with_data(Shape::Newtype, &[]),
    ];

    fn variant(&self) -> usize {
        match self {
            Self::Right(_) => 0,
            Self::Left(_) => 1,
        }
    }
}

/// serde writes it in another way.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Left { turns: u8 },
}

impl DomainEvent for Tagged {
    const NAME: &'static str = "Tagged";
    const VARIANTS: &'static [Variant] = &[Variant::new("Left", 1, "Left").with_data(Shape::Struct, &[])];

    fn variant(&self) -> usize {
        0
    }
}

#[test]
fn what_serde_sees_otherwise_is_not_written() {
    assert!(encode(&Crossed::Left(1)).is_err());
    assert!(encode(&Crossed::Right(1)).is_err());
    assert!(encode(&Tagged::Left { turns: 1 }).is_err());
    let actor = ActorId::new("a-1").unwrap();
    let event = Event::new(&actor, Version::new(1), "Left", &json!({"turns": 1})).unwrap();
    assert!(decode::<Tagged>(&event).is_err_and(|error| error.is_data()));
}

#[derive(Serialize, Deserialize)]
struct Wrong;

impl DomainEvent for Wrong {
    const NAME: &'static str = "Wrong";
    const VARIANTS: &'static [Variant] = &[
        Variant::new("aether.Opened", 1, "aether.Opened"),
        Variant::new("Painted.v2", 1, "Painted.v2"),
        Variant::new("Moved", 2, "Moved.v3").with_upcasters(&[Upcaster::new(2, same)]),
        Variant::new("Closed", 0, "Closed").with_aliases(&["Moved", ""]),
        Variant::new("Locked", 2, "Locked.v2")
            .with_upcasters(&[Upcaster::new(1, same), Upcaster::new(1, same)]),
    ];
    const RETIRED: &'static [Retired] = &[Retired::new("Knocked", &[])];

    fn variant(&self) -> usize {
        5
    }
}

#[test]
fn what_makes_no_sense_is_said_all_at_once() {
    let invalid = check::<Wrong>().unwrap_err();
    assert_eq!(invalid.name(), "Wrong");
    assert_eq!(
        invalid.problems(),
        [
            "`aether.Opened` begins with `aether.`, as only Aether's own events do",
            "`Painted.v2` ends like a version; say the version beside the name",
            "`Moved` is there twice; give each type of event a name of its own",
            "`` is empty or too long",
            "version 2 of `Moved` cannot be `Moved.v3` on the wire",
            "`Moved` has no upcaster from version 1; add one",
            "`Moved` has version 2 and an upcaster from version 2",
            "`Closed` has version 0; the first is 1",
            "version 0 of `Closed` cannot be `Closed` on the wire",
            "`Locked` has several upcasters from version 1; keep one",
            "`Knocked` is retired and has no upcaster; say what became of it",
        ]
    );
    assert!(encode(&Wrong).is_err());
}

/// Where its upcasters lead is found by [`check`] alone.
#[derive(Debug, Serialize, Deserialize)]
enum Astray {
    Moved,
}

impl DomainEvent for Astray {
    const NAME: &'static str = "Astray";
    const VARIANTS: &'static [Variant] = &[Variant::new("Moved", 2, "Moved.v2")
        .with_upcasters(&[Upcaster::new(1, same).leading_to(&["Moved.v2", "Shifted", "Moved.v3"])])];
    const RETIRED: &'static [Retired] = &[Retired::new("Pushed", &[Upcaster::new(1, same)])];

    fn variant(&self) -> usize {
        0
    }
}

#[test]
fn upcasters_that_lead_nowhere_are_found() {
    assert_eq!(
        check::<Astray>().unwrap_err().problems(),
        [
            "the upcaster from `Moved` leads to `Shifted`, which there is not; name a type that there is",
            "the upcaster from `Moved` leads to `Moved.v3`, which there is not; name a type that there is",
            "the upcaster from `Pushed` leads to `Pushed.v2`, which there is not; name a type that there is",
        ]
    );
    // Several are declared, and the function does not say which.
    let actor = ActorId::new("a-1").unwrap();
    let event = Event::new(&actor, Version::new(1), "Moved", &json!(null)).unwrap();
    let error = decode::<Astray>(&event).unwrap_err();
    assert!(error.is_upcast() && error.to_string().contains("say which by Upcast::split"), "{error}");
    let event = Event::new(&actor, Version::new(1), "Pushed", &json!(null)).unwrap();
    let error = decode::<Astray>(&event).unwrap_err();
    assert!(error.is_upcast() && error.to_string().contains("leads to Pushed.v2"), "{error}");
}
