//! Rules of snapshots.

pub(crate) mod snapshot_store {
    //! Snapshots: the latest of each actor, and never back to an older one.

    use crate::store::support::{OrFail, WRITERS, actor, json, series, v};
    use crate::store::{Capability, Fixture, Handle, Storage, StorageOptions};
    use aether_core::{
        ActorId, ActorSnapshot, Commit, Event, EventStore, Payload, SnapshotSaved, SnapshotStore, Version,
    };
    use futures_util::future::join_all;
    use std::sync::Arc;
    use time::macros::datetime;

    /// A fresh storage, its snapshots, and its events if it has any.
    pub(crate) struct Snapshots {
        storage: Box<dyn Storage>,
        store: Arc<dyn SnapshotStore>,
        events: Option<Arc<dyn EventStore>>,
    }

    impl Snapshots {
        pub(crate) async fn open(fixture: &dyn Fixture) -> Self {
            let storage = fixture.storage(StorageOptions::default()).await.or_fail("opening a fresh storage");
            let handle = storage.open().await.or_fail("opening the store");
            let events = handle.events().filter(|_| fixture.declines(Capability::Events).is_none());
            Self { storage, store: snapshots_of(&handle), events }
        }

        /// The snapshots through another handle.
        async fn another(&self) -> Self {
            let storage = &self.storage;
            let handle = storage.open().await.or_fail("opening the store once more");
            Self { storage: Box::new(Nothing), store: snapshots_of(&handle), events: handle.events() }
        }

        /// Lets the actor have events up to this version, as a snapshot of it says, if there are events at all.
        async fn stand_at(&self, actor: &ActorId, version: u64) {
            let Some(store) = &self.events else { return };
            let at = store.get_head(actor).await.or_fail("getting the head").version().get();
            let events: Vec<Event> = series(actor, at + 1..=version);
            if !events.is_empty() {
                store.save(&Commit::events(&events)).await.or_fail("saving what the snapshot is of");
            }
        }

        pub(crate) async fn save(&self, snapshot: &ActorSnapshot) -> SnapshotSaved {
            let of = format!("version {} of {}", snapshot.version, snapshot.actor);
            self.store.save_snapshot(snapshot).await.or_fail(format_args!("saving a snapshot of {of}"))
        }

        pub(crate) async fn load(&self, actor: &ActorId) -> Option<ActorSnapshot> {
            self.store.load_snapshot(actor).await.or_fail(format_args!("loading the snapshot of {actor}"))
        }

        /// The events of the same storage.
        pub(crate) fn events(&self) -> Arc<dyn EventStore> {
            self.events.clone().or_fail("using the handle as an event store")
        }
    }

    fn snapshots_of(handle: &Handle) -> Arc<dyn SnapshotStore> {
        handle.snapshots().or_fail("using the handle as a snapshot store")
    }

    /// Stands for the storage in a second handle, which does not own it.
    struct Nothing;

    #[async_trait::async_trait]
    impl Storage for Nothing {
        async fn open(&self) -> Result<Handle, aether_core::Source> {
            Err("a second handle opens no third".into())
        }
    }

    /// A snapshot that says its version.
    pub(crate) fn snapshot(actor: &ActorId, version: u64) -> ActorSnapshot {
        ActorSnapshot::new(actor, v(version), &("state", version)).or_fail("making a snapshot")
    }

    pub(crate) async fn of_an_unknown_actor_are_none(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let (order, nobody) = (actor("order-1"), actor("order-2"));
        store.stand_at(&order, 1).await;
        store.save(&snapshot(&order, 1)).await;
        assert_eq!(store.load(&nobody).await, None);
        store.stand_at(&nobody, 3).await;
        assert_eq!(store.load(&nobody).await, None, "an actor with events and without a snapshot");
    }

    pub(crate) async fn come_back_unchanged(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let order = actor("order-1");
        let every_byte: Vec<u8> = (0..=255).collect();
        let states = [
            json("{\"b\": 1,  \"a\": 1.0}"),
            Payload::binary(every_byte),
            Payload::binary(Vec::new()),
            Payload::absent(),
            json("null"),
            Payload::new("application/vnd.order.v2+json", "[1]").or_fail("making a payload"),
            Payload::binary(vec![3; 500 * 1024]),
        ];
        for (version, state) in (1..).zip(states) {
            store.stand_at(&order, version).await;
            let taken = datetime!(2024-02-29 23:59:59.123_456_789 UTC);
            let sent = ActorSnapshot::of_payload(&order, v(version), state).with_timestamp(taken);
            assert_eq!(store.save(&sent).await, SnapshotSaved::Stored);
            let read = store.load(&order).await.or_fail("loading the snapshot");
            assert_eq!(read.actor, sent.actor);
            assert_eq!((read.version, read.timestamp), (sent.version, sent.timestamp));
            assert_eq!(read.state.content_type(), sent.state.content_type());
            assert!(read.state == sent.state, "{} bytes of state came back changed", sent.state.len());
        }
    }

    pub(crate) async fn are_the_latest(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let order = actor("order-1");
        for version in [1, 2, 5, 40] {
            store.stand_at(&order, version).await;
            let sent = snapshot(&order, version);
            assert_eq!(store.save(&sent).await, SnapshotSaved::Stored);
            let read = store.load(&order).await.or_fail("loading the snapshot");
            assert_eq!((read.version, &read.state), (v(version), &sent.state));
        }
    }

    pub(crate) async fn never_go_back(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let order = actor("order-1");
        store.stand_at(&order, 9).await;
        let newest = snapshot(&order, 9);
        store.save(&newest).await;
        for older in [1, 5, 8] {
            let saved = store.save(&snapshot(&order, older)).await;
            assert_eq!(saved, SnapshotSaved::Superseded { by: v(9) }, "version {older} after version 9");
            let read = store.load(&order).await.or_fail("loading the snapshot");
            assert_eq!((read.version, read.state), (v(9), newest.state.clone()), "an older one replaced it");
        }
    }

    pub(crate) async fn of_the_same_version_are_replaced(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let order = actor("order-1");
        store.stand_at(&order, 3).await;
        store.save(&snapshot(&order, 3)).await;
        let better = ActorSnapshot::new(&order, v(3), "better").or_fail("making a snapshot");
        assert_eq!(store.save(&better).await, SnapshotSaved::Stored);
        assert_eq!(store.load(&order).await.map(|read| read.state), Some(better.state));
    }

    pub(crate) async fn of_actors_are_apart(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let long = "x".repeat(ActorId::MAX_ENCODED - "order.".len() - 1);
        let long = [format!("order-{long}a"), format!("order-{long}b")];
        let ids = [
            "order",
            "order-",
            "-order",
            "order-1",
            "order-*",
            "order->",
            "*",
            ">",
            "order-a b",
            "order-a.b",
            "order-a_b",
            "order-a/b",
            "order-a%2Eb",
            "order-=",
            "Order-1",
            "订单-一",
            "order-\u{e9}",
            "order-e\u{301}",
        ];
        let actors: Vec<ActorId> =
            ids.iter().copied().chain(long.iter().map(String::as_str)).map(actor).collect();
        for (version, actor) in (1..).zip(&actors) {
            store.stand_at(actor, version).await;
            store.save(&snapshot(actor, version)).await;
        }
        for (version, actor) in (1..).zip(&actors) {
            let read = store.load(actor).await.or_fail(format_args!("loading the snapshot of {actor}"));
            assert_eq!((&read.actor, read.version), (actor, v(version)), "the snapshot of {actor}");
            assert_eq!(read.state, snapshot(actor, version).state, "the snapshot of {actor}");
        }
    }

    pub(crate) async fn are_seen_through_other_handles(fixture: &dyn Fixture) {
        let a = Snapshots::open(fixture).await;
        let b = a.another().await;
        let order = actor("order-1");
        a.stand_at(&order, 6).await;
        assert_eq!(b.load(&order).await, None);
        for version in 1..=6 {
            let (writer, reader) = if version % 2 == 0 { (&a, &b) } else { (&b, &a) };
            writer.save(&snapshot(&order, version)).await;
            assert_eq!(reader.load(&order).await.map(|read| read.version), Some(v(version)));
            let older = reader.save(&snapshot(&order, version - 1)).await;
            assert_eq!(
                older,
                SnapshotSaved::Superseded { by: v(version) },
                "a stale handle replaced a newer one"
            );
        }
    }

    pub(crate) async fn race_and_the_newest_stays(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let mut handles = Vec::new();
        for _ in 0..WRITERS {
            let second = fixture.declines(Capability::SecondHandles).is_none();
            handles.push(if second { store.another().await.store } else { store.store.clone() });
        }
        for round in 0..5 {
            let order = actor(format!("order-{round}"));
            store.stand_at(&order, WRITERS as u64 * 2).await;
            let racers = handles.iter().cloned().zip(1..).map(|(handle, writer)| {
                let order = order.clone();
                tokio::spawn(async move {
                    for version in [writer, 2 * WRITERS as u64 + 1 - writer] {
                        let saved = handle.save_snapshot(&snapshot(&order, version)).await;
                        let saved = saved.or_fail("saving a racing snapshot");
                        let seen = handle.load_snapshot(&order).await.or_fail("loading a racing snapshot");
                        let seen = seen.map_or(Version::ZERO, |seen| seen.version);
                        assert!(
                            seen >= v(version),
                            "version {version} was answered with {saved:?}, then {seen} loaded"
                        );
                        if let SnapshotSaved::Superseded { by } = saved {
                            assert!(by > v(version), "superseded by {by}, which is not newer than {version}");
                        }
                    }
                })
            });
            for racer in join_all(racers).await {
                racer.or_fail("a racing writer");
            }
            let read = store.load(&order).await.map(|read| (read.version, read.state));
            let newest = 2 * WRITERS as u64;
            assert_eq!(read, Some((v(newest), snapshot(&order, newest).state)), "the newest stays");
        }
    }

    pub(crate) async fn of_namespaces_are_apart(fixture: &dyn Fixture) {
        let storage = fixture.storage(StorageOptions::default()).await.or_fail("opening a fresh storage");
        let order = actor("order-1");
        let mut stores: Vec<Snapshots> = Vec::new();
        for (version, (name, stream)) in (1..).zip([("a", "events"), ("b", "events"), ("a", "audit")]) {
            let name = aether_core::Namespace::new(name).or_fail("making a namespace");
            let handle = storage.open_namespaced(&name, stream).await.or_fail("opening a namespace");
            let events = handle.events().filter(|_| fixture.declines(Capability::Events).is_none());
            let store = Snapshots { storage: Box::new(Nothing), store: snapshots_of(&handle), events };
            store.stand_at(&order, 3).await;
            assert_eq!(store.load(&order).await, None, "the snapshot of another namespace was loaded");
            store.save(&snapshot(&order, version)).await;
            stores.push(store);
        }
        for (version, store) in (1..).zip(&stores) {
            assert_eq!(store.load(&order).await.map(|read| read.version), Some(v(version)));
        }
    }
}

pub(crate) mod snapshots_and_events {
    //! Snapshots beside the events that they shorten.

    use super::snapshot_store::{Snapshots, snapshot};
    use crate::store::Fixture;
    use crate::store::support::{OrFail, actor, numbers, series, v};
    use aether_core::{ActorSnapshot, Commit, EventStore, Head, RecordedCommit, Saved, SnapshotSaved};
    use futures_util::TryStreamExt;

    async fn save(store: &dyn EventStore, versions: std::ops::RangeInclusive<u64>) -> Saved {
        let events = series(&actor("order-1"), versions);
        store.save(&Commit::events(&events)).await.or_fail("saving events")
    }

    pub(crate) async fn remember_the_head(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let (order, events) = (actor("order-1"), store.events());
        save(&*events, 1..=3).await;
        let head = save(&*events, 4..=5).await.head;
        let sent = snapshot(&order, 5).with_head(head);
        store.save(&sent).await;
        save(&*events, 6..=6).await;
        save(&*events, 7..=9).await;
        let read = store.load(&order).await.or_fail("loading the snapshot");
        assert_eq!(read, sent, "it came back changed");
        // State is the snapshot plus what comes after its head.
        let tail: Vec<RecordedCommit> = events
            .get_commits(&order, read.head.unwrap_or_default())
            .try_collect()
            .await
            .or_fail("reading the tail");
        let tail: Vec<_> = tail.iter().flat_map(|commit| numbers(&commit.events)).collect();
        assert_eq!(tail, [6, 7, 8, 9]);
    }

    /// As after a loss of power, when the snapshot survived and the last events did not.
    fn from_the_future(at: Head) -> ActorSnapshot {
        let ahead = Head::new(at.sequence() + 1_000_000_000, v(50));
        snapshot(&actor("order-1"), 50).with_head(ahead)
    }

    pub(crate) async fn ahead_of_the_log_are_ignored(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let (order, events) = (actor("order-1"), store.events());
        let head = save(&*events, 1..=3).await.head;
        store.save(&from_the_future(head)).await;
        assert_eq!(store.load(&order).await, None, "a snapshot of events that are not there was loaded");
        assert_eq!(events.get_head(&order).await.or_fail("getting the head"), head);
        save(&*events, 4..=4).await;
    }

    pub(crate) async fn ahead_of_the_log_give_way(fixture: &dyn Fixture) {
        let store = Snapshots::open(fixture).await;
        let (order, events) = (actor("order-1"), store.events());
        let head = save(&*events, 1..=3).await.head;
        store.save(&from_the_future(head)).await;
        // It counts as none, so it does not supersede a true one either.
        let sent = snapshot(&order, 3).with_head(head);
        assert_eq!(store.save(&sent).await, SnapshotSaved::Stored);
        assert_eq!(store.load(&order).await, Some(sent));
    }
}
