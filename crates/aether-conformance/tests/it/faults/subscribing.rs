//! Faults in where subscriptions begin, what they deliver, and when they say that they have caught up.

use std::time::Duration;

use aether_core::{
    ActorPattern, Delivery, EventFilter, Position, ReadError, ReadFrom, RecordedEvent, SubscribeFrom,
    SubscribeOptions, Subscription,
};
use futures_util::stream::{self, StreamExt};

use crate::mutant::Mutant;
use crate::plain::Plain;

pub(super) type Subscribed = Result<Subscription, ReadError>;

/// Everything, from the same place.
fn unfiltered(options: &SubscribeOptions) -> SubscribeOptions {
    options.clone().filter(EventFilter::all())
}

pub(super) fn begin(options: &SubscribeOptions, from: SubscribeFrom) -> SubscribeOptions {
    SubscribeOptions::from(from).filter(options.filter.clone())
}

/// Has another idea of which events match.
pub(super) fn filtered(
    plain: &Plain,
    options: &SubscribeOptions,
    matches: impl Fn(&EventFilter, &RecordedEvent) -> bool + Send + 'static,
) -> Subscribed {
    let filter = options.filter.clone();
    let all = plain.subscribe(&unfiltered(options))?;
    let deliver = move |delivery| match delivery {
        Ok(Delivery::Event(event)) if !matches(&filter, &event) => Ok(Delivery::Passed(event.position)),
        other => other,
    };
    Ok(all.map(deliver).boxed())
}

/// Delivers events that pass, and lets the others go by.
pub(super) fn leaving_out(
    plain: &Plain,
    options: &SubscribeOptions,
    wanted: impl Fn(&RecordedEvent) -> bool + Send + 'static,
) -> Subscribed {
    filtered(plain, options, move |filter, event| filter.matches(event) && wanted(event))
}

/// Delivers each thing in another way.
pub(super) fn delivering(
    plain: &Plain,
    options: &SubscribeOptions,
    deliver: impl Fn(&Plain, Delivery) -> Vec<Delivery> + Send + 'static,
) -> Subscribed {
    let store = plain.clone();
    let deliveries = plain.subscribe(options)?.flat_map(move |delivery| {
        let delivered = match delivery {
            Ok(delivery) => deliver(&store, delivery).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(delivered)
    });
    Ok(deliveries.boxed())
}

/// Leaves out the first events.
fn skipping(plain: &Plain, options: &SubscribeOptions, events: usize) -> Subscribed {
    let subscribed = plain.subscribe(options)?.scan(events, |left, delivery| {
        let delivery = match delivery {
            Ok(Delivery::Event(event)) if *left > 0 => {
                *left -= 1;
                Ok(Delivery::Passed(event.position))
            }
            other => other,
        };
        std::future::ready(Some(delivery))
    });
    Ok(subscribed.boxed())
}

/// Begins at the position of the last event, or before it.
fn last_but_one(plain: &Plain) -> SubscribeFrom {
    let mut all = plain.all(ReadFrom::Start, usize::MAX).items;
    all.pop();
    all.pop().map_or(SubscribeFrom::Start, |event| SubscribeFrom::After(event.position))
}

/// Replays what is there, and then follows what comes from a moment later.
fn with_a_gap(plain: &Plain, options: &SubscribeOptions) -> Subscribed {
    let replay = replay(plain, options);
    let (store, live) = (plain.clone(), begin(options, SubscribeFrom::Now));
    let later = stream::once(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        store.subscribe(&live).unwrap()
    });
    Ok(replay.chain(later.flatten()).boxed())
}

/// Follows what comes from now on, and a moment later replays what is there before it.
fn with_an_overlap(plain: &Plain, options: &SubscribeOptions) -> Subscribed {
    let live = plain.subscribe(&begin(options, SubscribeFrom::Now))?;
    let (store, options) = (plain.clone(), options.clone());
    let before = stream::once(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        replay(&store, &options)
    });
    Ok(before.flatten().chain(live).boxed())
}

/// What is there now.
fn replay(plain: &Plain, options: &SubscribeOptions) -> Subscription {
    let from = match options.from {
        SubscribeFrom::After(position) => ReadFrom::After(position),
        SubscribeFrom::Now => return stream::empty().boxed(),
        _ => ReadFrom::Start,
    };
    let mut there = plain.all(from, usize::MAX).items;
    there.retain(|event| options.filter.matches(event));
    stream::iter(there).map(|event| Ok(Delivery::Event(event))).boxed()
}

/// Swaps the first two events after it has caught up.
fn swapping_at_the_seam(plain: &Plain, options: &SubscribeOptions) -> Subscribed {
    let state = (false, None::<RecordedEvent>, false);
    let swapped = plain.subscribe(options)?.scan(state, |(caught_up, held, done), delivery| {
        let out = match delivery {
            Ok(Delivery::CaughtUp) => {
                *caught_up = true;
                vec![Ok(Delivery::CaughtUp)]
            }
            Ok(Delivery::Event(event)) if *caught_up && !*done => match held.take() {
                None => {
                    *held = Some(event);
                    Vec::new()
                }
                Some(first) => {
                    *done = true;
                    vec![Ok(Delivery::Event(event)), Ok(Delivery::Event(first))]
                }
            },
            other => vec![other],
        };
        std::future::ready(Some(stream::iter(out)))
    });
    Ok(swapped.flatten().boxed())
}

/// Says that it has caught up when it has first delivered something of this kind, whatever was there.
fn catching_up_after(plain: &Plain, options: &SubscribeOptions, kind: fn(&Delivery) -> bool) -> Subscribed {
    let subscribed = delivering(plain, options, |_, delivery| match delivery {
        Delivery::CaughtUp | Delivery::FellBehind => Vec::new(),
        other => vec![other],
    })?;
    let said = subscribed.scan(false, move |said, delivery| {
        let first = !*said && delivery.as_ref().is_ok_and(kind);
        *said |= first;
        let caught_up = first.then_some(Ok(Delivery::CaughtUp));
        std::future::ready(Some(stream::iter([Some(delivery), caught_up].into_iter().flatten())))
    });
    Ok(said.flatten().boxed())
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("subscribing::begins_at_the_start", "begins with the second event", |store| {
        store.on_subscribe(|plain, options| {
            let first = plain.all(ReadFrom::Start, 1).items.pop();
            match (options.from, first) {
                (SubscribeFrom::Start, Some(first)) => {
                    plain.subscribe(&begin(options, SubscribeFrom::After(first.position)))
                }
                _ => plain.subscribe(options),
            }
        })
    }),
    Mutant::new("subscribing::begins_before_the_first_event", "begins after the first event", |store| {
        store.on_subscribe(|plain, options| {
            let is_empty = plain.everybody().is_empty();
            skipping(plain, options, usize::from(is_empty))
        })
    }),
    Mutant::new("subscribing::begins_after_any_position", "goes on with the next commit", |store| {
        store.on_subscribe(|plain, options| match options.from {
            SubscribeFrom::After(position) => {
                let end = Position::new(position.sequence(), u32::MAX);
                plain.subscribe(&begin(options, SubscribeFrom::After(end)))
            }
            _ => plain.subscribe(options),
        })
    }),
    Mutant::new(
        "subscribing::begins_after_the_last_position",
        "skips an event after the position of a commit without events",
        |store| {
            store.on_subscribe(|plain, options| {
                let SubscribeFrom::After(position) = options.from else { return plain.subscribe(options) };
                let all = plain.all(ReadFrom::Start, usize::MAX).items;
                let at_an_event = all.iter().any(|event| event.position == position);
                skipping(plain, options, usize::from(!at_an_event))
            })
        },
    ),
    Mutant::new("subscribing::now_is_after_what_is_there", "begins with the last event there is", |store| {
        store.on_subscribe(|plain, options| match options.from {
            SubscribeFrom::Now => plain.subscribe(&begin(options, last_but_one(plain))),
            _ => plain.subscribe(options),
        })
    }),
    Mutant::new("subscribing::now_is_when_it_returns", "begins when it is first read", |store| {
        store.on_subscribe(|plain, options| {
            let (plain, options) = (plain.clone(), options.clone());
            let lazily = stream::once(async move { plain.subscribe(&options).unwrap() });
            Ok(lazily.flatten().boxed())
        })
    }),
    Mutant::new(
        "subscribing::delivers_what_is_read",
        "says when it delivers, not when it recorded",
        |store| {
            store.on_subscribe(|plain, options| {
                delivering(plain, options, |_, delivery| match delivery {
                    Delivery::Event(mut event) => {
                        event.recorded_at = time::OffsetDateTime::now_utc();
                        vec![Delivery::Event(event)]
                    }
                    other => vec![other],
                })
            })
        },
    ),
    Mutant::new("subscribing::replays_a_long_log", "replays the last 500 events", |store| {
        store.on_subscribe(|plain, options| {
            let mut all = plain.all(ReadFrom::Start, usize::MAX).items;
            let skipped = all.len().saturating_sub(500);
            match (options.from, all.drain(..skipped).next_back()) {
                (SubscribeFrom::Start, Some(last)) => {
                    plain.subscribe(&begin(options, SubscribeFrom::After(last.position)))
                }
                _ => plain.subscribe(options),
            }
        })
    }),
    Mutant::new("filters::take_a_category", "takes categories for prefixes", |store| {
        store.on_subscribe(|plain, options| {
            filtered(plain, options, |filter, event| match filter.pattern() {
                ActorPattern::Category(category) => event.actor().as_str().starts_with(category.as_str()),
                _ => filter.matches(event),
            })
        })
    }),
    Mutant::new("filters::take_one_actor", "goes by the actor's category", |store| {
        store.on_subscribe(|plain, options| {
            filtered(plain, options, |filter, event| match filter.pattern() {
                ActorPattern::Actor(actor) => actor.category() == event.actor().category(),
                _ => filter.matches(event),
            })
        })
    }),
    Mutant::new("filters::take_ids_literally", "takes ids with wildcards for patterns", |store| {
        store.on_subscribe(|plain, options| {
            filtered(plain, options, |filter, event| match filter.pattern() {
                ActorPattern::Actor(actor) => {
                    let pattern: ActorPattern = actor.as_str().parse().unwrap();
                    pattern.matches(event.actor())
                }
                _ => filter.matches(event),
            })
        })
    }),
    Mutant::new("filters::take_types", "compares types without their case", |store| {
        store.on_subscribe(|plain, options| {
            filtered(plain, options, |filter, event| {
                filter.matches(event) || filter.matches_type(&event.event_type().to_lowercase())
            })
        })
    }),
    Mutant::new("filters::take_actors_and_types", "is content with either", |store| {
        store.on_subscribe(|plain, options| {
            filtered(plain, options, |filter, event| {
                let any_type = filter.matches_type("a type of none");
                let (actors, types) =
                    (filter.pattern().matches(event.actor()), filter.matches_type(event.event_type()));
                if any_type || *filter.pattern() == ActorPattern::All {
                    actors && types
                } else {
                    actors || types
                }
            })
        })
    }),
    Mutant::new("filters::take_types_that_nobody_has", "takes a type that nobody has for none", |store| {
        store.on_subscribe(|plain, options| {
            let all = plain.all(ReadFrom::Start, usize::MAX).items;
            let somebody = all.iter().any(|event| options.filter.matches_type(event.event_type()));
            plain.subscribe(&if somebody { options.clone() } else { unfiltered(options) })
        })
    }),
    Mutant::new("filters::take_nothing_of_no_types", "takes no types for all", |store| {
        store.on_subscribe(|plain, options| {
            let none = options.filter == EventFilter::all().types(<[&str; 0]>::default());
            plain.subscribe(&if none { unfiltered(options) } else { options.clone() })
        })
    }),
    Mutant::new("catching_up::is_said_when_all_was_delivered", "says so at once", |store| {
        store.on_subscribe(|plain, options| {
            let at_once = stream::iter([Ok(Delivery::CaughtUp)]);
            let rest = delivering(plain, options, |_, delivery| match delivery {
                Delivery::CaughtUp | Delivery::FellBehind => Vec::new(),
                other => vec![other],
            })?;
            Ok(at_once.chain(rest).boxed())
        })
    }),
    Mutant::new("catching_up::is_said_once", "says so whenever nothing is left", |store| {
        store.on_subscribe(|plain, options| {
            delivering(plain, options, |plain, delivery| {
                let at_the_end = delivery.position() == Some(plain.last_position());
                let again = at_the_end.then_some(Delivery::CaughtUp);
                [Some(delivery), again].into_iter().flatten().collect()
            })
        })
    }),
    Mutant::new("catching_up::is_said_of_an_empty_store", "says so after the first event", |store| {
        store.on_subscribe(|plain, options| {
            catching_up_after(plain, options, |delivery| matches!(delivery, Delivery::Event(_)))
        })
    }),
    Mutant::new("catching_up::is_said_where_nothing_is_left", "says so after the first position", |store| {
        store.on_subscribe(|plain, options| {
            catching_up_after(plain, options, |delivery| delivery.position().is_some())
        })
    }),
    Mutant::new("catching_up::is_said_where_nothing_matches", "says so after the first event", |store| {
        store.on_subscribe(|plain, options| {
            catching_up_after(plain, options, |delivery| matches!(delivery, Delivery::Event(_)))
        })
    }),
    Mutant::new("catching_up::is_seamless", "skips events at the seam", |store| {
        store.on_subscribe(with_a_gap)
    }),
    Mutant::new("catching_up::is_seamless", "doubles events at the seam", |store| {
        store.on_subscribe(with_an_overlap)
    }),
    Mutant::new("catching_up::is_seamless", "swaps events at the seam", |store| {
        store.on_subscribe(swapping_at_the_seam)
    }),
];
