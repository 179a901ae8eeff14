//! Faults of subscriptions beside each other, and over time: slow ones, expired positions, outages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use aether_core::{
    Delivery, EventFilter, Position, ReadError, ReadFrom, RecordedEvent, SubscribeFrom, SubscribeOptions,
    Subscription,
};
use futures_util::stream::{self, StreamExt};
use uuid::Uuid;

use super::subscribing::{Subscribed, begin, delivering, leaving_out};
use crate::draft::Draft;
use crate::faulty::Faulty;
use crate::mutant::Mutant;
use crate::plain::Plain;

type Shared = Arc<tokio::sync::Mutex<Subscription>>;

/// All subscriptions of a handle with the same options read from one.
fn sharing_one(store: Faulty) -> Faulty {
    let shared: Mutex<Vec<(SubscribeOptions, Shared)>> = Mutex::default();
    store.on_subscribe(move |plain, options| {
        let mut shared = shared.lock().unwrap();
        let one = match shared.iter().find(|(other, _)| other == options) {
            Some((_, one)) => one.clone(),
            None => {
                let one: Shared = Arc::new(tokio::sync::Mutex::new(plain.subscribe(options)?));
                shared.push((options.clone(), one.clone()));
                one
            }
        };
        let next = |one: Shared| async move {
            let next = one.lock().await.next().await?;
            Some((next, one))
        };
        Ok(stream::unfold(one, next).boxed())
    })
}

/// Sets a flag when it is dropped.
struct SetsOnDrop(Arc<AtomicBool>);

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// When one subscription is dropped, the others end.
fn ending_together(store: Faulty) -> Faulty {
    let dropped: Arc<AtomicBool> = Arc::default();
    store.on_subscribe(move |plain, options| {
        let (ends, sets) = (dropped.clone(), SetsOnDrop(dropped.clone()));
        let subscribed = plain.subscribe(options)?.take_while(move |_| {
            let _ = &sets;
            std::future::ready(!ends.load(Ordering::SeqCst))
        });
        Ok(subscribed.boxed())
    })
}

/// Takes what comes when it is asked, and gives it to whoever asks next, if that is the same who asked.
fn losing_what_was_not_waited_for(plain: &Plain, options: &SubscribeOptions) -> Subscribed {
    let mut subscribed = plain.subscribe(options)?;
    let mut taken: Option<(Result<Delivery, ReadError>, Waker)> = None;
    let poll = move |context: &mut std::task::Context<'_>| {
        if let Some((delivery, asked)) = taken.take()
            && asked.will_wake(context.waker())
        {
            return Poll::Ready(Some(delivery));
        }
        if let Poll::Ready(Some(delivery)) = subscribed.poll_next_unpin(context) {
            taken = Some((delivery, context.waker().clone()));
            context.waker().wake_by_ref();
        }
        Poll::Pending
    };
    Ok(stream::poll_fn(poll).boxed())
}

/// Knows of its own handle's saves only.
fn seeing_its_own(store: Faulty) -> Faulty {
    let own: Arc<Mutex<HashSet<Uuid>>> = Arc::default();
    let saved = own.clone();
    store
        .on_save(move |plain, commit| {
            saved.lock().unwrap().extend(Draft::of(commit).events.iter().map(|event| event.id()));
            plain.save(commit)
        })
        .on_subscribe(move |plain, options| {
            let own = own.clone();
            leaving_out(plain, options, move |event| own.lock().unwrap().contains(&event.id()))
        })
}

/// Begins anew somewhere else when its line is interrupted.
fn going_on_from(
    plain: &Plain,
    options: &SubscribeOptions,
    place: fn(&Plain, &SubscribeOptions, Option<Position>) -> SubscribeFrom,
) -> Subscribed {
    struct Following {
        plain: Plain,
        options: SubscribeOptions,
        subscribed: Subscription,
        interruptions: u64,
        at: Option<Position>,
    }
    let following = Following {
        plain: plain.clone(),
        options: options.clone(),
        subscribed: plain.subscribe(options)?,
        interruptions: plain.interruptions(),
        at: None,
    };
    let deliveries = stream::unfold(following, move |mut f| async move {
        let mut next = None;
        if !f.plain.is_cut() && f.plain.interruptions() == f.interruptions {
            next = f.subscribed.next().await;
        }
        if f.plain.interruptions() != f.interruptions {
            // What was about to come is lost with the line.
            let mut changes = f.plain.changes();
            while f.plain.is_cut() {
                changes.changed().await.unwrap();
            }
            f.interruptions = f.plain.interruptions();
            let from = place(&f.plain, &f.options, f.at);
            f.subscribed = f.plain.subscribe(&begin(&f.options, from)).unwrap();
            next = f.subscribed.next().await;
        }
        let next = next?;
        if let Ok(delivery) = &next {
            f.at = delivery.position().or(f.at);
        }
        Some((next, f))
    });
    // It says nothing of having fallen behind, so it is not to say twice that it has caught up.
    let once = deliveries.scan(false, |caught_up, delivery| {
        let again = *caught_up && matches!(delivery, Ok(Delivery::CaughtUp));
        *caught_up |= matches!(delivery, Ok(Delivery::CaughtUp));
        std::future::ready(Some((!again).then_some(delivery)))
    });
    Ok(once.filter_map(std::future::ready).boxed())
}

pub(super) const ALL: &[Mutant] = &[
    Mutant::new("subscriptions::are_independent", "has one cursor for all", sharing_one),
    Mutant::new("subscriptions::may_be_dropped", "ends all when one is dropped", ending_together),
    Mutant::new("subscriptions::may_be_slow", "drops what is too old for a slow reader", |store| {
        store.on_subscribe(|plain, options| {
            let store = plain.clone();
            leaving_out(plain, options, move |event| store.commits_after(event.position) < 200)
        })
    }),
    Mutant::new("subscriptions::may_be_slow", "does not say that it fell behind", |store| {
        store.on_subscribe(|plain, options| {
            delivering(plain, options, |_, delivery| match delivery {
                Delivery::FellBehind => Vec::new(),
                other => vec![other],
            })
        })
    }),
    Mutant::new("subscriptions::need_not_be_waited_for", "takes what nobody waits for any more", |store| {
        store.on_subscribe(losing_what_was_not_waited_for)
    }),
    Mutant::new("subscriptions::see_other_handles", "delivers its own handle's saves only", seeing_its_own),
    Mutant::naming(
        "subscriptions::of_namespaces_are_apart",
        "has one place for all streams of a namespace",
        |namespace, _, _| namespace.to_owned(),
    ),
    Mutant::new("expired_positions::are_refused", "begins with what is left, in silence", |store| {
        store.on_subscribe(|plain, options| {
            let subscribed = plain.subscribe(options);
            subscribed.or_else(|_| plain.subscribe(&begin(options, SubscribeFrom::Start)))
        })
    }),
    Mutant::new("expired_positions::end_a_reader_that_lags", "goes on with what is left", |store| {
        store.on_subscribe(|plain, options| {
            let (store, options) = (plain.clone(), options.clone());
            let subscribed = plain.subscribe(&options)?.flat_map(move |delivery| match delivery {
                Err(ReadError::PositionExpired { .. }) => {
                    store.subscribe(&begin(&options, SubscribeFrom::Start)).unwrap()
                }
                other => stream::iter([other]).boxed(),
            });
            Ok(subscribed.boxed())
        })
    }),
    Mutant::new("outages::lose_nothing", "goes on with what comes after the outage", |store| {
        store.on_subscribe(|plain, options| going_on_from(plain, options, |_, _, _| SubscribeFrom::Now))
    }),
    Mutant::new(
        "outages::begin_where_they_were_to",
        "begins at the start when it is interrupted before the first event",
        |store| store.on_subscribe(|plain, options| going_on_from(plain, options, |_, _, at| at.into())),
    ),
    Mutant::new("outages::go_on_in_a_replay", "begins its replay again", |store| {
        store.on_subscribe(|plain, options| going_on_from(plain, options, |_, options, _| options.from))
    }),
    Mutant::new("outages::go_on_live", "delivers the last event again", |store| {
        store.on_subscribe(|plain, options| {
            going_on_from(plain, options, |plain, options, at| {
                let before = |event: &RecordedEvent| Some(event.position) < at;
                let all = plain.all(ReadFrom::Start, usize::MAX).items;
                let last = all.into_iter().rfind(before);
                last.map_or(options.from, |last| SubscribeFrom::After(last.position))
            })
        })
    }),
    Mutant::new(
        "subscription_model::random_subscriptions",
        "forgets the types that are asked for, after a position",
        |store| {
            store.on_subscribe(|plain, options| match options.from {
                SubscribeFrom::After(_) => {
                    let actors = EventFilter::actors(options.filter.pattern().clone());
                    plain.subscribe(&options.clone().filter(actors))
                }
                _ => plain.subscribe(options),
            })
        },
    ),
    Mutant::new(
        "subscription_model::random_subscriptions_over_several_actors",
        "leaves out the third actor of a commit, of a category",
        |store| {
            store.on_subscribe(|plain, options| {
                let all = *options.filter.pattern() == aether_core::ActorPattern::All;
                leaving_out(plain, options, move |event| {
                    all || event.marks.as_ref().is_none_or(|marks| marks.index != 2)
                })
            })
        },
    ),
];
