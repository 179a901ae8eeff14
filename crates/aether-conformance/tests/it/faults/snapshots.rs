//! Faults with snapshots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_core::{ActorId, ActorSnapshot, SnapshotSaved, Version};
use futures_util::future::BoxFuture;

use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

type Saving<'a> = BoxFuture<'a, SnapshotSaved>;

/// Saves snapshots in some other way.
fn saving(store: Faulty, save: fn(&Plain, &ActorSnapshot) -> SnapshotSaved) -> Faulty {
    store.on_save_snapshot(move |plain, snapshot| Box::pin(async move { save(plain, snapshot) }))
}

/// Changes what is loaded.
fn loading(store: Faulty, change: fn(ActorSnapshot) -> ActorSnapshot) -> Faulty {
    store.on_load_snapshot(move |plain, actor| plain.load_snapshot(actor).map(change))
}

/// Looks for a newer snapshot, takes its time, and replaces what is there by then.
fn checking_too_early<'a>(plain: &'a Plain, snapshot: &'a ActorSnapshot) -> Saving<'a> {
    Box::pin(async move {
        let there = plain.load_snapshot(&snapshot.actor).map_or(Version::ZERO, |there| there.version);
        // The newest comes first to the end of its wait.
        let wait = if snapshot.version > Version::new(6) { 1 } else { 20 };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if there > snapshot.version {
            SnapshotSaved::Superseded { by: there }
        } else {
            plain.put_snapshot(snapshot)
        }
    })
}

/// Looks for a newer snapshot among its own.
fn knowing_its_own(store: Faulty) -> Faulty {
    let own: Arc<Mutex<BTreeMap<ActorId, Version>>> = Arc::default();
    store.on_save_snapshot(move |plain, snapshot| {
        let own = own.clone();
        Box::pin(async move {
            let mut own = own.lock().unwrap();
            match own.insert(snapshot.actor.clone(), snapshot.version) {
                Some(newer) if newer > snapshot.version => SnapshotSaved::Superseded { by: newer },
                _ => plain.put_snapshot(snapshot),
            }
        })
    })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "snapshot_store::of_an_unknown_actor_are_none",
        "has an empty one for whoever has none",
        |store| {
            store.on_load_snapshot(|plain, actor| {
                let empty = || ActorSnapshot::new(actor, Version::ZERO, &()).ok();
                plain.load_snapshot(actor).or_else(empty)
            })
        },
    ),
    Mutant::new("snapshot_store::come_back_unchanged", "keeps whole seconds", |store| {
        loading(store, |snapshot| {
            let whole = snapshot.timestamp.replace_nanosecond(0).unwrap();
            snapshot.with_timestamp(whole)
        })
    }),
    Mutant::new("snapshot_store::are_the_latest", "keeps the first", |store| {
        saving(store, |plain, snapshot| match plain.load_snapshot(&snapshot.actor) {
            Some(_) => SnapshotSaved::Stored,
            None => plain.save_snapshot(snapshot),
        })
    }),
    Mutant::new("snapshot_store::never_go_back", "keeps what came last", |store| {
        saving(store, Plain::put_snapshot)
    }),
    Mutant::new(
        "snapshot_store::of_the_same_version_are_replaced",
        "keeps the first of a version",
        |store| {
            saving(store, |plain, snapshot| match plain.load_snapshot(&snapshot.actor) {
                Some(there) if there.version == snapshot.version => {
                    SnapshotSaved::Superseded { by: there.version }
                }
                _ => plain.save_snapshot(snapshot),
            })
        },
    ),
    Mutant::new(
        "snapshot_store::of_actors_are_apart",
        "goes by the first 128 characters of an id",
        |store| {
            store.on_load_snapshot(|plain, actor| {
                let start = |actor: &ActorId| actor.as_str().chars().take(128).collect::<String>();
                let alike = plain.everybody().into_iter().find(|other| start(other) == start(actor));
                plain.load_snapshot(&alike.unwrap_or_else(|| actor.clone()))
            })
        },
    ),
    Mutant::new(
        "snapshot_store::are_seen_through_other_handles",
        "looks for newer ones among its own",
        knowing_its_own,
    ),
    Mutant::new("snapshot_store::race_and_the_newest_stays", "checks and then saves, not at once", |store| {
        store.on_save_snapshot(checking_too_early)
    }),
    Mutant::new("snapshots_and_events::remember_the_head", "forgets the head", |store| {
        loading(store, |mut snapshot| {
            snapshot.head = None;
            snapshot
        })
    }),
    Mutant::new("snapshots_and_events::ahead_of_the_log_are_ignored", "loads whatever is there", |store| {
        store.on_load_snapshot(Plain::any_snapshot)
    }),
    Mutant::new(
        "snapshots_and_events::ahead_of_the_log_give_way",
        "never replaces what it ignores",
        |store| {
            saving(store, |plain, snapshot| match plain.any_snapshot(&snapshot.actor) {
                Some(there) if there.version > snapshot.version => {
                    SnapshotSaved::Superseded { by: there.version }
                }
                _ => plain.put_snapshot(snapshot),
            })
        },
    ),
];
