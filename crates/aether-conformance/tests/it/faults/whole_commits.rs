//! Faults in the commits that a subscription delivers, and in the positions that go by.

use std::time::Duration;

use aether_core::{
    Commit, Delivery, Position, ReadFrom, RecordedEvent, SaveError, Saved, SubscribeFrom, SubscribeOptions,
};
use futures_util::future::BoxFuture;

use super::subscribing::{Subscribed, begin, delivering, filtered, leaving_out};
use crate::draft::Draft;
use crate::mutant::Mutant;
use crate::plain::Plain;

/// Long enough that others save meanwhile.
const OVERLAP: Duration = Duration::from_millis(5);

type Saving<'a> = BoxFuture<'a, Result<Saved, SaveError>>;

/// Saves a commit as one commit for each event.
fn event_by_event<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(async move {
        let events = Draft::of(commit).events;
        let mut saved = plain.save(&Commit::event(&events[0]))?;
        for event in &events[1..] {
            tokio::time::sleep(OVERLAP).await;
            saved = plain.save(&Commit::event(event))?;
        }
        Ok(saved)
    })
}

fn part_by_part<'a>(plain: &'a Plain, commit: &'a Commit<'_>) -> Saving<'a> {
    Box::pin(plain.save_part_by_part(commit, OVERLAP))
}

/// The last position of the whole commit that the event at this position is part of.
fn end_of_commit(plain: &Plain, position: Position) -> Position {
    let all = plain.all(ReadFrom::Start, usize::MAX).items;
    let marks = all.iter().find(|event| event.position == position).and_then(|event| event.marks.as_ref());
    let Some(id) = marks.map(|marks| marks.id) else { return position };
    let of_it = |event: &&RecordedEvent| event.marks.as_ref().is_some_and(|marks| marks.id == id);
    all.iter().rfind(of_it).map_or(position, |event| event.position)
}

/// Says only the positions of events.
fn passing_events_only(plain: &Plain, options: &SubscribeOptions) -> Subscribed {
    delivering(plain, options, |plain, delivery| {
        let all = plain.all(ReadFrom::Start, usize::MAX).items;
        let at_an_event = |position| all.iter().any(|event: &RecordedEvent| event.position == position);
        match delivery {
            Delivery::Passed(position) if !at_an_event(position) => Vec::new(),
            other => vec![other],
        }
    })
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("whole_commits::are_together", "saves each event by itself", |store| {
        store.on_slow_save(event_by_event)
    }),
    Mutant::new(
        "whole_commits::of_several_actors_are_together",
        "lets other commits come between the actors of one",
        |store| store.on_slow_save(part_by_part),
    ),
    Mutant::new("whole_commits::of_several_actors_are_marked", "does not mark what comes live", |store| {
        store.on_subscribe(|plain, options| {
            let last = plain.last_position();
            delivering(plain, options, move |_, delivery| match delivery {
                Delivery::Event(mut event) if event.position > last => {
                    event.marks = None;
                    vec![Delivery::Event(event)]
                }
                other => vec![other],
            })
        })
    }),
    Mutant::new("whole_commits::come_when_they_stand", "delivers the parts as they are saved", |store| {
        store.on_slow_save(part_by_part)
    }),
    Mutant::new("whole_commits::come_when_they_stand", "leaves out the last part", |store| {
        store.on_subscribe(|plain, options| {
            leaving_out(plain, options, |event| {
                event.marks.as_ref().is_none_or(|marks| marks.index as usize + 1 < marks.actors.len())
            })
        })
    }),
    Mutant::new(
        "whole_commits::of_several_actors_are_resumed_inside",
        "goes on after the whole commit",
        |store| {
            store.on_subscribe(|plain, options| match options.from {
                SubscribeFrom::After(position) => {
                    let end = end_of_commit(plain, position);
                    plain.subscribe(&begin(options, SubscribeFrom::After(end)))
                }
                _ => plain.subscribe(options),
            })
        },
    ),
    Mutant::new(
        "whole_commits::come_in_part_to_filtered_readers",
        "goes by the first actor of a commit",
        |store| {
            store.on_subscribe(|plain, options| {
                filtered(plain, options, |filter, event| {
                    let first = event.marks.as_ref().map_or(event.actor(), |marks| &marks.actors[0]);
                    filter.pattern().matches(first) && filter.matches_type(event.event_type())
                })
            })
        },
    ),
    Mutant::new(
        "whole_commits::may_have_parts_without_events",
        "lets nothing go by where there is no event",
        |store| store.on_subscribe(passing_events_only),
    ),
    Mutant::new("positions_go_by::whoever_they_are_of", "says nothing of what does not match", |store| {
        store.on_subscribe(|plain, options| {
            delivering(plain, options, |_, delivery| match delivery {
                Delivery::Passed(_) => Vec::new(),
                other => vec![other],
            })
        })
    }),
    Mutant::new("positions_go_by::of_commits_without_events", "says nothing of them", |store| {
        store.on_subscribe(passing_events_only)
    }),
    Mutant::new(
        "positions_go_by::of_several_actors",
        "says nothing of what does not match in one",
        |store| {
            store.on_subscribe(|plain, options| {
                delivering(plain, options, |plain, delivery| {
                    let all = plain.all(ReadFrom::Start, usize::MAX).items;
                    let marked = all
                        .iter()
                        .any(|event| Delivery::Passed(event.position) == delivery && event.marks.is_some());
                    if marked { Vec::new() } else { vec![delivery] }
                })
            })
        },
    ),
    Mutant::new(
        "positions_go_by::never_before_an_event",
        "lets a position go by before its event",
        |store| {
            store.on_subscribe(|plain, options| {
                delivering(plain, options, |_, delivery| match delivery {
                    Delivery::Event(event) => vec![Delivery::Passed(event.position), Delivery::Event(event)],
                    other => vec![other],
                })
            })
        },
    ),
    Mutant::new(
        "positions_go_by::and_resuming_there_skips_nothing",
        "passes the whole commit with each of its events that does not match",
        |store| {
            store.on_subscribe(|plain, options| {
                let from = match options.from {
                    SubscribeFrom::After(position) => position,
                    _ => return plain.subscribe(options),
                };
                let all = plain.all(ReadFrom::Start, usize::MAX).items;
                let there = all.iter().any(|event| event.position == from && !options.filter.matches(event));
                let end = if there { Position::new(from.sequence(), u32::MAX) } else { from };
                plain.subscribe(&begin(options, SubscribeFrom::After(end)))
            })
        },
    ),
];
