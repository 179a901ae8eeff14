//! What a commit accepts, how it falls into parts, and how it is found again.

use time::OffsetDateTime;

use super::*;
use crate::{Position, RecordedEvent};

fn actor(id: &str) -> ActorId {
    ActorId::new(id).unwrap()
}

fn event(id: &str, version: u64) -> Event {
    Event::new(&actor(id), Version::new(version), "Happened", &version).unwrap()
}

fn rule(commit: &Commit<'_>) -> Rule {
    commit.parts().unwrap_err().rule().clone()
}

fn recorded(sequence: u64, events: &[Event]) -> RecordedCommit {
    let now = OffsetDateTime::UNIX_EPOCH;
    let version = events.last().map_or(Version::ZERO, Event::version);
    let events = events
        .iter()
        .zip(0..)
        .map(|(event, index)| RecordedEvent::new(event.clone(), Position::new(sequence, index), now, None));
    RecordedCommit::new(Head::new(sequence, version), events.collect(), None, None, now)
}

#[test]
fn events_of_several_actors_are_parted_in_order() {
    let events = [event("a-1", 1), event("b-1", 5), event("a-1", 3)];
    let parts = Commit::events(&events).parts().unwrap();
    let versions: Vec<_> = parts
        .iter()
        .map(|part| (part.actor().as_str(), part.events().iter().map(|e| e.version().get()).collect()))
        .collect();
    assert_eq!(versions, [("a-1", vec![1, 3]), ("b-1", vec![5])]);
}

#[test]
fn a_commit_that_no_store_may_keep_is_refused() {
    assert_eq!(rule(&Commit::events(&[])), Rule::EmptyCommit);
    let equal = [event("a-1", 2), event("a-1", 2)];
    assert_eq!(rule(&Commit::events(&equal)), Rule::VersionsNotAscending);
    let lower = [event("a-1", 2), event("b-1", 2), event("a-1", 1)];
    assert_eq!(rule(&Commit::events(&lower)), Rule::VersionsNotAscending);
    let first = event("a-1", 1);
    let same_id =
        [first.clone(), Event::builder(&actor("b-1"), Version::new(1), "X").id(first.id()).build().unwrap()];
    assert_eq!(rule(&Commit::events(&same_id)), Rule::DuplicateId);
    let many: Vec<_> = (0..=MAX_ACTORS).map(|i| event(&format!("a-{i}"), 1)).collect();
    assert_eq!(rule(&Commit::events(&many)), Rule::TooManyActors { actors: 101 });
    let other = actor("b-1");
    assert_eq!(rule(&Commit::event(&first).with_note_of(&other, b"n")), Rule::NoEventsWithoutHead);
}

#[test]
fn what_is_expected_decides() {
    let save = event("a-1", 8);
    let check =
        |expected, head| Commit::event(&save).expecting(expected).parts().unwrap()[0].check(head).is_ok();
    let at7 = Head::new(3, Version::new(7));
    assert!(check(Expected::Ascending, at7));
    assert!(!check(Expected::Ascending, Head::new(3, Version::new(8))));
    assert!(check(Expected::Exact(Version::new(7)), at7));
    assert!(!check(Expected::Exact(Version::new(6)), at7));
    assert!(!check(Expected::NoEvents, at7));
    assert!(check(Expected::NoEvents, Head::new(3, Version::ZERO)));
    assert!(check(Expected::At(at7), at7));
    assert!(!check(Expected::At(at7), Head::new(4, Version::new(7))));
    assert!(!check(Expected::At(at7), Head::new(3, Version::new(8))), "the plain rule always holds");
}

#[test]
fn a_part_is_found_again_whole_in_part_or_not_at_all() {
    let (a, b, c) = (event("a-1", 3), event("a-1", 4), event("a-1", 5));
    let ours = [a.clone(), b.clone()];
    let commit = Commit::events(&ours);
    let parts = commit.parts().unwrap();
    let look = |log: &[RecordedCommit]| {
        let mut search = parts[0].search();
        let _ = log.iter().rev().any(|commit| search.see(commit));
        search.outcome()
    };
    let on_top = recorded(9, std::slice::from_ref(&c));
    let at = RecordedAt { head: Head::new(8, Version::new(4)), position: Position::new(8, 1) };
    assert_eq!(look(&[recorded(8, &ours), on_top.clone()]), Stored::All(at));
    assert_eq!(look(&[recorded(7, &[a]), on_top.clone()]), Stored::Some);
    assert_eq!(look(&[on_top]), Stored::None);
    let elsewhere = Event::builder(&actor("a-1"), Version::new(6), "X").id(b.id()).build().unwrap();
    assert_eq!(look(&[recorded(8, &[elsewhere])]), Stored::Some);
}
