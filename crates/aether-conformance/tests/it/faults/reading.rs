//! Faults in reading events and categories.

use aether_core::{Position, ReadFrom, RecordedEvent, Saved, Version};

use crate::mutant::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("reading::unknown_actor_has_nothing", "reads its category for an unknown actor", |store| {
        store.on_events(|plain, actor, from| {
            if plain.everybody().contains(actor) {
                return plain.events(actor, from);
            }
            plain.all(ReadFrom::Start, usize::MAX).map(|mut events| {
                events.retain(|event| event.actor().category() == actor.category());
                events
            })
        })
    }),
    Mutant::new("reading::from_is_inclusive", "begins after the version asked for", |store| {
        store.on_events(|plain, actor, from| {
            plain.events(actor, if from.is_zero() { from } else { from.next() })
        })
    }),
    Mutant::new("reading::backward_is_newest_first", "reads backward in the order forward", |store| {
        store.on_backward(|plain, actor, from| {
            plain.events_backward(actor, from).map(|mut events| {
                events.reverse();
                events
            })
        })
    }),
    Mutant::new("reading::a_long_history_is_in_order", "reads the first 256 events", |store| {
        store.on_events(|plain, actor, from| {
            plain.events(actor, from).map(|mut events| {
                events.truncate(256);
                events
            })
        })
    }),
    Mutant::new("reading::all_are_in_the_order_of_positions", "reads all events newest first", |store| {
        store.on_all(|plain, from, limit| {
            plain.all(from, limit).map(|mut events| {
                events.reverse();
                events
            })
        })
    }),
    Mutant::new("reading::limit_is_kept", "takes a limit of 0 for none", |store| {
        store.on_all(|plain, from, limit| plain.all(from, if limit == 0 { usize::MAX } else { limit }))
    }),
    Mutant::new("reading::resumes_after_every_position", "goes on with the next commit", |store| {
        store.on_all(|plain, from, limit| {
            let next = match from {
                ReadFrom::After(position) => ReadFrom::After(Position::new(position.sequence(), u32::MAX)),
                other => other,
            };
            plain.all(next, limit)
        })
    }),
    Mutant::new("reading::pages_make_the_whole", "gives the event at the position once more", |store| {
        store.on_all(|plain, from, limit| {
            let at = match from {
                ReadFrom::After(position) => position,
                _ => return plain.all(from, limit),
            };
            plain.all(ReadFrom::Start, usize::MAX).map(|mut events: Vec<RecordedEvent>| {
                events.retain(|event| event.position >= at);
                events.truncate(limit);
                events
            })
        })
    }),
    Mutant::new(
        "reading::saved_position_is_the_last_events",
        "says the position of the first event",
        |store| {
            store.on_save(|plain, commit| {
                let saved = plain.save(commit)?;
                Ok(Saved::new(saved.head, Position::new(saved.position.sequence(), 0)))
            })
        },
    ),
    Mutant::new("reading::is_the_same_everywhere", "counts positions from the end, read backward", |store| {
        store.on_backward(|plain, actor, from| {
            plain.events_backward(actor, from).map(|mut events| {
                for (index, event) in (0..).zip(&mut events) {
                    event.position = Position::new(event.position.sequence(), index);
                }
                events
            })
        })
    }),
    Mutant::new("reading::tells_when_it_was_recorded", "says when it happened instead", |store| {
        store.on_each_event(|mut event| {
            event.recorded_at = event.timestamp();
            event
        })
    }),
    Mutant::new("categories::list_their_actors_in_order", "lists actors by their ids", |store| {
        store.on_actors(|plain, category, after, limit| {
            let mut actors = plain.actors(category, after, limit);
            actors.sort();
            actors
        })
    }),
    Mutant::new("categories::are_paged", "lists the last actor of a page once more", |store| {
        store.on_actors(|plain, category, after, limit| {
            let mut actors = plain.actors(category, None, usize::MAX);
            actors.retain(|actor| after.is_none_or(|after| actor.subject() >= after.subject()));
            actors.truncate(limit);
            actors
        })
    }),
    Mutant::new(
        "categories::go_on_after_an_actor_that_is_not_there",
        "begins anew after an actor that is not there",
        |store| {
            store.on_actors(|plain, category, after, limit| {
                let known = plain.actors(category, None, usize::MAX);
                plain.actors(category, after.filter(|after| known.contains(after)), limit)
            })
        },
    ),
    Mutant::new("categories::are_apart", "takes categories for prefixes", |store| {
        store.on_actors(|plain, category, after, limit| {
            let mut actors: Vec<_> =
                plain.everybody().into_iter().filter(|actor| actor.as_str().starts_with(category)).collect();
            actors.sort_by_key(aether_core::ActorId::subject);
            actors.retain(|actor| after.is_none_or(|after| actor.subject() > after.subject()));
            actors.truncate(limit);
            actors
        })
    }),
    Mutant::new("categories::list_actors_without_events", "lists actors that have events", |store| {
        store.on_actors(|plain, category, after, limit| {
            let mut actors = plain.actors(category, after, limit);
            actors.retain(|actor| plain.head(actor).version() > Version::ZERO);
            actors
        })
    }),
];
