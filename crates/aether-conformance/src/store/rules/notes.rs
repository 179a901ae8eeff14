//! Notes: opaque bytes beside the events, and commits that have nothing else.

use aether_core::{Commit, Expected, Head, ReadFrom};
use bytes::Bytes;

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, event, series, v};

pub(crate) async fn come_back_unchanged(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let every_byte: Vec<u8> = (0..=255).collect();
    let long = every_byte.repeat(16);
    let notes: [&[u8]; 4] = [b"paid", &every_byte, &long, b"{\"json\": null}"];
    for (version, note) in (1..).zip(notes) {
        store.save(&Commit::event(&event(&order, version)).with_note(note)).await;
    }
    let head = store.head(&order).await;
    store.save(&Commit::note_only(&order, head, &every_byte)).await;
    let read: Vec<_> = store.commits(&order).await.into_iter().map(|commit| commit.note).collect();
    let sent: Vec<_> =
        notes.into_iter().chain([&*every_byte]).map(|note| Some(Bytes::copy_from_slice(note))).collect();
    assert!(read == sent, "the notes came back changed: {read:?}");
}

pub(crate) async fn empty_is_not_absent(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    store.save(&Commit::event(&event(&order, 1)).with_note(b"")).await;
    let head = store.save_event(&event(&order, 2)).await.head;
    store.save(&Commit::note_only(&order, head, b"")).await;
    let read: Vec<_> = store.commits(&order).await.into_iter().map(|commit| commit.note).collect();
    assert_eq!(read, [Some(Bytes::new()), None, Some(Bytes::new())], "an empty note, no note, an empty note");
}

pub(crate) async fn are_invisible_to_readers_of_events(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let head = store.save(&Commit::note_only(&order, Head::NONE, b"first")).await.head;
    let events = series(&order, [1, 2]);
    let head =
        store.save(&Commit::events(&events).expecting(Expected::At(head)).with_note(b"second")).await.head;
    store.save(&Commit::note_only(&order, head, b"third")).await;
    let ids: Vec<_> = events.iter().map(|event| event.id()).collect();
    let seen =
        |read: Vec<aether_core::RecordedEvent>| -> Vec<_> { read.iter().map(|event| event.id()).collect() };
    assert_eq!(seen(store.events(&order).await), ids, "read by actor");
    assert_eq!(seen(store.all().await), ids, "read with all events");
    assert_eq!(seen(store.all_from(ReadFrom::Start, 2).await), ids, "a note counted against the limit");
    let mut backward = seen(store.backward(&order, aether_core::Version::MAX).await);
    backward.reverse();
    assert_eq!(backward, ids, "read backward");
}

pub(crate) async fn alone_move_the_head_and_not_the_version(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let before = store.save_event(&event(&order, 7)).await;
    let noted = store.save(&Commit::note_only(&order, before.head, b"refused")).await;
    assert_eq!(noted.version, v(7), "a commit without events changed the version");
    assert_ne!(noted.head, before.head, "a commit without events left the head where it was");
    assert!(noted.position > before.position, "the commit is not after the one before it");
    assert_eq!(store.head(&order).await, noted.head);
    assert_eq!(store.version(&order).await, 7);
    store.save_event(&event(&order, 8)).await;
    assert_eq!(store.versions(&order).await, [7, 8]);
}

pub(crate) async fn can_be_an_actors_first(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let noted = store.save(&Commit::note_only(&order, Head::NONE, b"refused")).await;
    assert_eq!(noted.version, v(0));
    assert_eq!(store.head(&order).await, noted.head);
    assert_ne!(noted.head, Head::NONE);
    assert!(store.events(&order).await.is_empty());
    assert_eq!(store.commits(&order).await.len(), 1);
    store.conflict(&Commit::note_only(&order, Head::NONE, b"late")).await;
    store.save_event(&event(&order, 1)).await;
}

pub(crate) async fn of_several_actors_stay_with_theirs(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let (a, b, c) = (actor("order-a"), actor("order-b"), actor("order-c"));
    let events = [event(&a, 1), event(&b, 1), event(&c, 1)];
    store.save(&Commit::events(&events).with_note_of(&c, b"of c").with_note(b"of a")).await;
    for (actor, note) in [(&a, Some("of a")), (&b, None), (&c, Some("of c"))] {
        let commits = store.commits(actor).await;
        assert_eq!(commits.len(), 1);
        assert_eq!(commits[0].note.as_deref(), note.map(str::as_bytes), "the note of {actor}");
    }
}
