//! A log as the first schema wrote it is read by the newest code. The log is never changed; the code is.

use aether_core::codec::Codec;
use aether_event::{DomainEvent, Old, UnknownEvents, Upcast, UpcastError, check, decode_with};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

const LOG: &str = include_str!("../fixtures/first-schema.jsonl");

#[derive(Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(retired("Audited", upcast(1 = not_ours => "Opened")))]
#[event(retired("ClosedByCourt", upcast(1 = closed_by_court => ("Frozen", "Closed"))))]
enum AccountEvent {
    #[event(was = "AccountCreated", version = 2, upcast(1 = names))]
    Opened {
        given_name: String,
        family_name: String,
    },
    #[event(version = 3, upcast(1 = cents, 2 = currency))]
    Deposited {
        cents: u64,
        currency: String,
    },
    #[event(version = 2, upcast(1 = address))]
    OwnerMoved {
        street: String,
        city: String,
    },
    Frozen,
    Closed {
        reason: String,
    },
}

fn names(mut old: Old) -> Result<Upcast, UpcastError> {
    let owner: String = old.take("owner")?;
    let (given, family) = owner.split_once(' ').unwrap_or(("", &owner));
    Ok(Upcast::to(json!({"given_name": given, "family_name": family})))
}

fn cents(mut old: Old) -> Result<Upcast, UpcastError> {
    let units: u64 = old.take("units")?;
    old.set("cents", units * 100)?;
    Ok(Upcast::to(old.data))
}

fn currency(mut old: Old) -> Result<Upcast, UpcastError> {
    old.set("currency", "GBP")?;
    Ok(Upcast::to(old.data))
}

fn address(old: Old) -> Result<Upcast, UpcastError> {
    let (street, city): (String, String) = old.parse()?;
    Ok(Upcast::to(json!({"street": street, "city": city})))
}

fn not_ours(_: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::dropped())
}

fn closed_by_court(mut old: Old) -> Result<Upcast, UpcastError> {
    let file: String = old.take("file")?;
    let reason = format!("court, {file}, {}", old.event().timestamp().date());
    Ok(Upcast::split([("Frozen", json!(null)), ("Closed", json!({"reason": reason}))]))
}

#[test]
fn the_first_log_is_read_by_the_newest_code() {
    check::<AccountEvent>().unwrap();
    let commits = LOG.lines().map(|line| Codec::decode(&Bytes::from_static(line.as_bytes())).unwrap());
    let events: Vec<AccountEvent> = commits
        .flat_map(|commit| commit.events)
        .flat_map(|event| decode_with(&event, UnknownEvents::Fail).unwrap())
        .collect();
    assert_eq!(
        events,
        [
            AccountEvent::Opened { given_name: "Ada".into(), family_name: "Lovelace".into() },
            AccountEvent::Deposited { cents: 1_200, currency: "GBP".into() },
            AccountEvent::OwnerMoved { street: "St James's Square".into(), city: "London".into() },
            AccountEvent::Frozen,
            AccountEvent::Closed { reason: "court, C-1815, 2024-07-12".into() },
        ]
    );
}
