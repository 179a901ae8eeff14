//! One of two processes that race on one actor: it prints what it did, and what it was told, line by line.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use aether_core::{ActorId, Commit, Event, EventStore, Expected, Head, SaveError, Version};
use aether_store_jetstream::JetStreamEventStore;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::writers::{config, connect};

/// The actor that both race on.
pub(crate) const ACTOR: &str = "account-1";

/// What a racer tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tried {
    Ascending,
    Exact(Version),
    At(Head),
    NoteAt(Head),
    Confirm(Head),
}

/// What it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    Saved(Head),
    Conflict,
    Confirmed(bool),
    NotSaved,
    Unknown,
}

/// One round of one racer. Times are nanoseconds since 1970 on the one machine that both run on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) tried: Tried,
    pub(crate) told: Told,
    /// The event, or the commit without events; none for a confirmation.
    pub(crate) id: Option<Uuid>,
    pub(crate) began: u128,
    pub(crate) ended: u128,
}

/// Races for so many rounds.
pub(crate) async fn run(urls: &[String], namespace: &str, rounds: u64, seed: u64) -> anyhow::Result<()> {
    let store = JetStreamEventStore::open(connect(urls).await?, config(namespace, 3)).await?;
    let actor = ActorId::new(ACTOR)?;
    let mut random = fastrand::Rng::with_seed(seed);
    // What this racer believes; wrong as soon as the other one saves.
    let mut head = Head::NONE;
    for _ in 0..rounds {
        if random.u8(..4) == 0 {
            head = store.get_head(&actor).await.unwrap_or(head);
        }
        let round = round(&store, &actor, head, &mut random).await?;
        if let Told::Saved(saved) = round.told {
            head = saved;
        } else if round.told == Told::Conflict && random.bool() {
            head = store.get_head(&actor).await.unwrap_or(head);
        }
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &round)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

async fn round(
    store: &JetStreamEventStore,
    actor: &ActorId,
    head: Head,
    random: &mut fastrand::Rng,
) -> anyhow::Result<Round> {
    let version = Version::new(head.version().get() + random.u64(1..4));
    let event = Event::new(actor, version, "Booked", &version)?;
    let known = head.sequence() > 0;
    let tried = match random.u8(..10) {
        0 | 1 => Tried::Ascending,
        2..=4 => Tried::Exact(head.version()),
        5 | 6 if known => Tried::At(head),
        7 if known => Tried::NoteAt(head),
        _ => Tried::Confirm(head),
    };
    let note = Commit::note_only(actor, head, b"seen");
    let began = now();
    let (result, id) = match tried {
        Tried::Ascending => (store.save(&Commit::event(&event)).await, event.id()),
        Tried::Exact(version) => {
            (store.save(&Commit::event(&event).expecting(Expected::Exact(version))).await, event.id())
        }
        Tried::At(head) => {
            (store.save(&Commit::event(&event).expecting(Expected::At(head))).await, event.id())
        }
        Tried::NoteAt(_) => (store.save(&note).await, note.id()),
        Tried::Confirm(head) => {
            let told = match store.confirm(actor, head).await {
                Ok(confirmed) => Told::Confirmed(confirmed),
                Err(_) => Told::NotSaved,
            };
            return Ok(Round { tried, told, id: None, began, ended: now() });
        }
    };
    let told = match result {
        Ok(saved) => Told::Saved(saved.head),
        Err(SaveError::UnknownOutcome(_)) => Told::Unknown,
        Err(e) if e.is_version_conflict() => Told::Conflict,
        Err(_) => Told::NotSaved,
    };
    Ok(Round { tried, told, id: Some(id), began, ended: now() })
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
