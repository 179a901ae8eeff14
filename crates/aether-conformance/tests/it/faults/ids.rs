//! Faults with actor ids: some actors are taken for others.

use aether_core::{ActorId, Position, RecordedEvent, Version};

use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::read::Read;

/// Reads of an actor also the events of those that `same` takes for it.
fn mistaking(store: Faulty, same: fn(asked: &ActorId, other: &ActorId) -> bool) -> Faulty {
    store.on_events(move |plain, actor, from: Version| {
        let others = plain.everybody().into_iter().filter(|other| other == actor || same(actor, other));
        let mut items: Vec<RecordedEvent> =
            others.flat_map(|other| plain.events(&other, from).items).collect();
        let key = |position: Position| (position.sequence(), position.index());
        items.sort_by_key(|event| key(event.position));
        Read { items, error: None }
    })
}

fn equal_as(form: fn(&ActorId) -> String) -> impl Fn(&ActorId, &ActorId) -> bool {
    move |a, b| form(a) == form(b)
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new(
        "ids::with_odd_characters_are_apart",
        "replaces what a subject must not have by _",
        |store| mistaking(store, |a, b| equal_as(|id| aether_core::sanitise(id.as_str()))(a, b)),
    ),
    Mutant::new("ids::in_unicode_are_apart", "keeps ASCII only", |store| {
        mistaking(store, |a, b| equal_as(|id| id.as_str().replace(|c: char| !c.is_ascii(), "?"))(a, b))
    }),
    Mutant::new("ids::with_wildcards_are_literal", "lets * match any key", |store| {
        mistaking(store, |asked, other| asked.key() == Some("*") && asked.category() == other.category())
    }),
    Mutant::new("ids::of_the_dash_forms_are_apart", "trims dashes", |store| {
        mistaking(store, |a, b| equal_as(|id| id.as_str().trim_matches('-').to_owned())(a, b))
    }),
    Mutant::new("ids::go_up_to_the_length_limit", "keeps 128 characters of an id", |store| {
        mistaking(store, |a, b| equal_as(|id| id.as_str().chars().take(128).collect())(a, b))
    }),
];
