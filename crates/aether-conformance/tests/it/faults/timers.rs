//! Faults with timers.

use std::time::Duration;

use aether_conformance::store::Capability;
use aether_core::{Timer, TimerError};
use time::OffsetDateTime;

use crate::mutant::Mutant;
use crate::plain_timers::{Clockwork, PlainTimers};

const RIGHT: Clockwork = Clockwork::RIGHT;

/// Sets a timer beside the ones of its id that are as said.
fn keeping(timers: &PlainTimers, timer: &Timer, keeps: impl Fn(&Timer) -> bool) -> Result<(), TimerError> {
    timers.state().entries.retain(|entry| entry.timer.id != timer.id || keeps(&entry.timer));
    timers.add(timer);
    Ok(())
}

/// Says that it has set a timer.
const IGNORED: Result<(), TimerError> = Ok(());

pub(super) const ALL: &[Mutant] = &[
    Mutant::timers(
        "setting_timers::come_when_they_are_due",
        "is 20 ms early",
        Clockwork {
            due: |timers, ear| timers.take(ear, |entry, now| entry.from <= now + Duration::from_millis(20)),
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::of_the_past_come_at_once",
        "counts from 1970",
        Clockwork {
            set: |timers, timer| match timer.at < OffsetDateTime::UNIX_EPOCH {
                true => IGNORED,
                false => timers.set(timer),
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::come_back_unchanged",
        "keeps whole seconds",
        Clockwork {
            set: |timers, timer| {
                let mut timer = timer.clone();
                timer.at = timer.at.replace_nanosecond(0).unwrap();
                timers.set(&timer)
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::replaced_come_as_the_last_was_set",
        "replaces only what is due later",
        Clockwork { set: |timers, timer| keeping(timers, timer, |old| old.at < timer.at), ..RIGHT },
    ),
    Mutant::timers(
        "setting_timers::that_are_due_are_replaced",
        "replaces only what is not due",
        Clockwork {
            set: |timers, timer| {
                let now = OffsetDateTime::now_utc();
                keeping(timers, timer, |old| old.at <= now && old != timer)
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::cancelled_do_not_come",
        "forgets to cancel",
        Clockwork { cancel: |_, _| Ok(()), ..RIGHT },
    ),
    Mutant::timers(
        "setting_timers::that_are_not_set_are_cancelled",
        "has to find what it cancels",
        Clockwork {
            cancel: |timers, id| {
                let is_set = timers.state().entries.iter().any(|entry| entry.timer.id == *id);
                if is_set { timers.cancel(id) } else { Err(TimerError::Unavailable("there is none".into())) }
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::set_twice_come_once",
        "sets the same timer twice",
        Clockwork { set: |timers, timer| keeping(timers, timer, |old| old == timer), ..RIGHT },
    ),
    Mutant::timers(
        "setting_timers::acknowledged_are_set_anew",
        "remembers what was acknowledged",
        Clockwork {
            set: |timers, timer| {
                let remembered = timers.state().acknowledged.contains(timer);
                if remembered { IGNORED } else { timers.set(timer) }
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "setting_timers::too_large_are_refused",
        "takes payloads of any size",
        Clockwork { set: |timers, timer| keeping(timers, timer, |_| false), ..RIGHT },
    ),
    Mutant::timers(
        "setting_timers::unsupported_are_refused_as_such",
        "does not say why",
        Clockwork { refuses: || "no".into(), ..RIGHT },
    )
    .declining(&[Capability::Timers]),
    Mutant::timers(
        "handing_out::unacknowledged_come_again",
        "hands out once",
        Clockwork { dropped: PlainTimers::forget, ..RIGHT },
    ),
    Mutant::timers(
        "handing_out::acknowledged_do_not_come_again",
        "hands out until it is tired of it",
        Clockwork {
            done: |timers, taken| match taken.attempt {
                1 => timers.give_back(taken, OffsetDateTime::now_utc()),
                _ => timers.forget(taken),
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "handing_out::given_back_come_later",
        "hands out again at once",
        Clockwork { again: |timers, taken, _| (RIGHT.dropped)(timers, taken), ..RIGHT },
    ),
    Mutant::timers(
        "handing_out::go_to_one_of_several",
        "tells everybody",
        Clockwork {
            due: |timers, ear| {
                let heard = std::mem::take(&mut ear.heard);
                let taken = timers.take(ear, |entry, now| entry.from <= now && !heard.contains(&entry.timer));
                ear.heard = heard;
                let taken = taken?;
                ear.heard.push(taken.timer.clone());
                timers.give_back(&taken, taken.timer.at);
                Some(taken)
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "handing_out::wait_for_a_listener",
        "tells those who listened when it was set",
        Clockwork {
            due: |timers, ear| timers.take(ear, |entry, now| entry.from <= now && entry.set_at >= ear.since),
            ..RIGHT
        },
    ),
    Mutant::timers(
        "handing_out::outlive_their_listener",
        "takes back what a listener holds that leaves",
        Clockwork {
            leave: |timers, listener| {
                for entry in &mut timers.state().entries {
                    entry.out = entry.out.filter(|(_, to)| *to != listener);
                }
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "handing_out::a_thousand_come",
        "has room for 999",
        Clockwork {
            set: |timers, timer| {
                let set = timers.state().entries.len();
                if set < 999 { timers.set(timer) } else { IGNORED }
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "timer_ids::are_each_their_own",
        "does not tell small letters from large ones",
        Clockwork {
            set: |timers, timer| {
                let (of, name) = (timer.id.actor(), timer.id.name().to_lowercase());
                timers.state().entries.retain(|entry| {
                    entry.timer.id.actor() != of || entry.timer.id.name().to_lowercase() != name
                });
                timers.add(timer);
                Ok(())
            },
            ..RIGHT
        },
    ),
    Mutant::naming("timer_ids::of_namespaces_are_apart", "goes by the stream alone", |_, stream, _| {
        stream.to_owned()
    }),
    Mutant::timers("timer_handles::see_each_other", "keeps timers to each handle", RIGHT).sharing_nothing(),
    Mutant::timers(
        "timer_handles::opened_again_find_everything",
        "forgets everything when it is closed",
        Clockwork { close: |timers| timers.state().entries.clear(), ..RIGHT },
    ),
    Mutant::timers(
        "timer_outages::lose_nothing_that_waits",
        "forgets everything in a restart",
        Clockwork { restart: |timers| timers.state().entries.clear(), ..RIGHT },
    ),
    Mutant::timers(
        "timer_outages::lose_nothing_for_a_listener",
        "tells those who cannot hear",
        Clockwork {
            due: |timers, ear| {
                let taken = timers.take(ear, |entry, now| entry.from <= now)?;
                if timers.is_cut() {
                    timers.forget(&taken);
                    return None;
                }
                Some(taken)
            },
            ..RIGHT
        },
    ),
    Mutant::timers(
        "timer_outages::lose_nothing_that_is_set",
        "loses what is set first after a restart",
        Clockwork {
            set: |timers, timer| {
                let mut state = timers.state();
                if state.restarts > 0 && state.lost < 5 {
                    state.lost += 1;
                    return IGNORED;
                }
                drop(state);
                timers.set(timer)
            },
            ..RIGHT
        },
    ),
];
