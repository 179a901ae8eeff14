//! Reading an actor's commits, and its head.

use aether_core::{Commit, Head};

use crate::store::Fixture;
use crate::store::support::{Fresh, actor, event, numbers, series};

pub(crate) async fn are_read_as_they_were_saved(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let first = store.save_events(&series(&order, [1, 2])).await.head;
    let second = store.save(&Commit::note_only(&order, first, b"note")).await.head;
    store.save_event(&event(&actor("order-2"), 1)).await;
    let third = store.save(&Commit::event(&event(&order, 5)).with_note(b"with it")).await.head;
    let commits = store.commits(&order).await;
    let versions: Vec<_> = commits.iter().map(|commit| numbers(&commit.events)).collect();
    assert_eq!(versions, [vec![1, 2], vec![], vec![5]]);
    let heads: Vec<_> = commits.iter().map(|commit| commit.head).collect();
    assert_eq!(heads, [first, second, third], "each commit has the head that its save reported");
    let notes: Vec<_> = commits.iter().map(|commit| commit.note.as_deref()).collect();
    assert_eq!(notes, [None, Some(&b"note"[..]), Some(&b"with it"[..])]);
    assert!(commits[1].id.is_some(), "a commit without events has an id");
    assert!(commits[0].id.is_none() && commits[2].id.is_none(), "its events name a commit that has some");
}

pub(crate) async fn are_read_after_a_head(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    let mut heads = vec![Head::NONE];
    for version in 1..=5 {
        heads.push(store.save_events(&series(&order, [version * 10, version * 10 + 1])).await.head);
        let noted = store.save(&Commit::note_only(&order, heads[heads.len() - 1], b"note")).await.head;
        heads.push(noted);
        store.save_event(&event(&actor("order-2"), version)).await;
    }
    for (index, &after) in heads.iter().enumerate() {
        let read: Vec<_> =
            store.commits_after(&order, after).await.iter().map(|commit| commit.head).collect();
        assert_eq!(read, heads[index + 1..], "the commits after {after:?}");
    }
}

pub(crate) async fn end_with_the_head(fixture: &dyn Fixture) {
    let store = Fresh::open(fixture).await;
    let order = actor("order-1");
    assert!(store.commits(&order).await.is_empty(), "an actor without commits has commits");
    let mut head = Head::NONE;
    for version in 1..=4 {
        let saved = if version % 2 == 0 {
            store.save(&Commit::note_only(&order, head, b"note")).await
        } else {
            store.save_event(&event(&order, version)).await
        };
        head = saved.head;
        assert_eq!(store.head(&order).await, head, "the head is not the one of the last save");
        assert_eq!(store.commits(&order).await.last().map(|commit| commit.head), Some(head));
    }
}
