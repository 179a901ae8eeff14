//! Old logs are read by new code: chained upcasters, renames, splits, retired types, and what goes wrong with them.

use std::error::Error as _;

use aether_core::{ActorId, Event, EventFilter, Version};
use aether_event::{
    Decoded, DomainEvent, Old, UnknownEvents, Upcast, UpcastError, check, decode, decode_with, types,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(retired("AccountClosedByCourt", upcast(1 = closed => "AccountClosed")))]
#[event(retired("Audited", upcast(1 = passed_on, 2 = forgotten => "AccountClosed")))]
enum AccountEvent {
    #[event(
        name = "AccountOpened",
        was = "AccountCreated",
        version = 2,
        upcast(1 = named => ("AccountOpened.v2", "Named"))
    )]
    Opened {
        at: i64,
    },
    Named {
        name: String,
    },
    #[event(version = 3, upcast(1 = cents, 2 = currency))]
    Deposited {
        cents: u64,
        currency: String,
    },
    #[event(name = "AccountClosed")]
    Closed {
        why: String,
    },
}

/// Version 1 had the owner's name, and nothing about when.
fn named(mut old: Old) -> Result<Upcast, UpcastError> {
    let name: String = old.take("owner")?;
    let at = old.event().timestamp().unix_timestamp();
    Ok(Upcast::split([("AccountOpened.v2", json!({"at": at})), ("Named", json!({"name": name}))]))
}

fn cents(mut old: Old) -> Result<Upcast, UpcastError> {
    let units: u64 = old.take("units")?;
    let cents =
        units.checked_mul(100).ok_or_else(|| UpcastError::new("more units than there are cents for"))?;
    assert_eq!(old.data, json!({}));
    old.set("cents", cents)?;
    Ok(Upcast::to(old.data))
}

fn currency(mut old: Old) -> Result<Upcast, UpcastError> {
    assert_eq!(old.event_type(), "Deposited.v2");
    old.set("currency", "EUR")?;
    Ok(Upcast::to(old.data))
}

fn closed(_: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(json!({"why": "court"})))
}

fn passed_on(old: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(old.data))
}

fn forgotten(_: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::dropped())
}

fn saved(event_type: &str, data: Value) -> Event {
    let actor = ActorId::new("account-1").unwrap();
    Event::builder(&actor, Version::new(7), event_type.to_owned())
        .data(&data)
        .timestamp(time::OffsetDateTime::from_unix_timestamp(1_000).unwrap())
        .build()
        .unwrap()
}

fn read(event_type: &str, data: Value) -> Vec<AccountEvent> {
    decode_with(&saved(event_type, data), UnknownEvents::Fail).unwrap().into_vec()
}

#[test]
fn old_versions_are_brought_up_to_date() {
    assert_eq!(check::<AccountEvent>(), Ok(()));
    let deposited = vec![AccountEvent::Deposited { cents: 500, currency: "EUR".into() }];
    assert_eq!(read("Deposited", json!({"units": 5})), deposited);
    assert_eq!(read("Deposited.v2", json!({"cents": 500})), deposited);
    assert_eq!(read("Deposited.v3", json!({"cents": 500, "currency": "EUR"})), deposited);
}

#[test]
fn one_old_event_may_be_several_or_another_or_none() {
    let opened = [AccountEvent::Opened { at: 1_000 }, AccountEvent::Named { name: "ada".into() }];
    assert_eq!(read("AccountOpened", json!({"owner": "ada"})), opened);
    assert_eq!(read("AccountCreated", json!({"owner": "ada"})), opened);
    assert_eq!(read("AccountCreated.v2", json!({"at": 3})), [AccountEvent::Opened { at: 3 }]);
    assert_eq!(read("AccountClosedByCourt", json!({})), [AccountEvent::Closed { why: "court".into() }]);
    assert_eq!(read("Audited", json!(null)), []);
}

#[test]
fn all_types_on_the_wire_are_known() {
    let all = types::<AccountEvent>();
    assert_eq!(
        all,
        [
            "AccountOpened",
            "AccountOpened.v2",
            "AccountCreated",
            "AccountCreated.v2",
            "Named",
            "Deposited",
            "Deposited.v2",
            "Deposited.v3",
            "AccountClosed",
            "AccountClosedByCourt",
            "Audited",
            "Audited.v2",
        ]
    );
    let filter = EventFilter::category("account").types(all);
    assert!(filter.matches(&saved("AccountCreated.v2", json!({}))));
    assert!(!filter.matches(&saved("Deposited.v4", json!({}))));
}

#[test]
fn unknown_types_fail_or_are_skipped_by_choice() {
    for (event_type, known_version) in
        [("Withdrawn", None), ("Deposited.v4", Some(3)), ("Audited.v3", Some(2))]
    {
        let event = saved(event_type, json!({}));
        let Decoded::Unknown(unknown) = decode::<AccountEvent>(&event).unwrap() else { panic!("known") };
        assert_eq!(unknown.known_version, known_version);
        assert!(decode_with::<AccountEvent>(&event, UnknownEvents::Skip).unwrap().is_empty());
        let error = decode_with::<AccountEvent>(&event, UnknownEvents::Fail).unwrap_err();
        assert!(error.is_unknown() && error.is_newer() == known_version.is_some());
        assert_eq!((error.event_id(), error.event_type()), (event.id(), event_type));
        assert_eq!((error.actor(), error.version()), (event.actor(), Version::new(7)));
        let message = error.to_string();
        assert!(message.contains(&event.id().to_string()) && message.contains(event_type), "{message}");
        assert_eq!(message.contains("written by a newer version"), error.is_newer(), "{message}");
    }
}

#[test]
fn the_events_of_aether_are_not_for_actors() {
    let event = saved("aether.TimerSet", json!({}));
    assert_eq!(decode::<AccountEvent>(&event).unwrap(), Decoded::System);
    assert!(decode_with::<AccountEvent>(&event, UnknownEvents::Fail).unwrap().is_empty());
}

#[test]
fn an_upcaster_that_fails_says_where_and_why() {
    let error = decode::<AccountEvent>(&saved("Deposited", json!({"units": "five"}))).unwrap_err();
    assert!(error.is_upcast() && !error.is_data());
    let message = error.to_string();
    assert!(message.contains("the upcaster from Deposited failed"), "{message}");
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "the field `units` is not what was expected");
    assert!(source.source().unwrap().to_string().contains("expected u64"));

    // What the last upcaster gave is not what the variant has.
    let error = decode::<AccountEvent>(&saved("Deposited.v2", json!({"pence": 5}))).unwrap_err();
    assert!(error.is_data(), "{error}");
    assert!(error.to_string().contains("upcast to Deposited.v3"), "{error}");
}

#[test]
fn data_that_upcasters_do_not_expect_is_an_error() {
    for data in
        [json!(null), json!([]), json!("text"), json!({}), json!({"units": -1}), json!({"units": u64::MAX})]
    {
        let error = decode::<AccountEvent>(&saved("Deposited", data)).unwrap_err();
        assert!(error.is_upcast(), "{error}");
    }
}

#[test]
fn upcasters_do_not_stray_or_circle() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
    #[event(retired("Left", upcast(1 = passed_on => "Right")))]
    #[event(retired("Right", upcast(1 = passed_on => "Left")))]
    #[event(retired("Wild", upcast(1 = wild => "Still")))]
    enum Odd {
        Still,
    }
    fn wild(old: Old) -> Result<Upcast, UpcastError> {
        Ok(Upcast::split([("Left", old.data)]))
    }

    let invalid = check::<Odd>().unwrap_err();
    assert_eq!(
        invalid.problems(),
        ["the upcasters go in a circle, from `Left` to `Right` to `Left`; let one of them lead elsewhere"]
    );
    let error = decode::<Odd>(&saved("Left", json!(1))).unwrap_err();
    assert!(error.is_upcast() && error.to_string().contains("come by Left twice"), "{error}");
    let error = decode::<Odd>(&saved("Wild", json!(1))).unwrap_err();
    assert!(
        error.is_upcast() && error.to_string().contains("gave Left, which it does not lead to"),
        "{error}"
    );
}

#[test]
fn the_same_step_may_be_taken_by_several_pieces() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
    #[event(retired("Transferred", upcast(1 = both => "Moved")))]
    enum Moves {
        #[event(version = 2, upcast(1 = passed_on))]
        Moved { cents: i64 },
    }
    fn both(mut old: Old) -> Result<Upcast, UpcastError> {
        let cents: i64 = old.take("cents")?;
        Ok(Upcast::split([("Moved", json!({"cents": -cents})), ("Moved", json!({"cents": cents}))]))
    }

    check::<Moves>().unwrap();
    let moves = decode::<Moves>(&saved("Transferred", json!({"cents": 5}))).unwrap();
    assert_eq!(
        moves,
        Decoded::Known([Moves::Moved { cents: -5 }, Moves::Moved { cents: 5 }].into_iter().collect())
    );
}

/// What could be in the log of an account over all the years, and what it means today.
fn old_logs() -> impl Strategy<Value = Vec<(&'static str, Value, Vec<AccountEvent>)>> {
    let deposited = |cents| vec![AccountEvent::Deposited { cents, currency: "EUR".into() }];
    let one = prop_oneof![
        any::<String>().prop_map(|owner| {
            let today = vec![AccountEvent::Opened { at: 1_000 }, AccountEvent::Named { name: owner.clone() }];
            ("AccountOpened", json!({"owner": owner}), today)
        }),
        any::<i64>().prop_map(|at| (
            "AccountCreated.v2",
            json!({"at": at}),
            vec![AccountEvent::Opened { at }]
        )),
        any::<u32>().prop_map(move |n| ("Deposited", json!({"units": n}), deposited(u64::from(n) * 100))),
        any::<u64>().prop_map(move |n| ("Deposited.v2", json!({"cents": n}), deposited(n))),
        Just(("Audited.v2", json!(null), vec![])),
    ];
    proptest::collection::vec(one, 0..20)
}

proptest! {
    #[test]
    fn old_logs_mean_what_they_meant(log in old_logs()) {
        for (event_type, data, today) in log {
            prop_assert_eq!(read(event_type, data), today);
        }
    }
}
