//! The list of all rules, and the macros that make a test of each.
//!
//! There is this one list: a rule that is added to it runs on every store, and a rule function that is not in it is dead
//! code, which the lints refuse.

use super::Capability::{
    BoundedCapacity, Cancellation, CommitLimit, Events, Namespaces, Outages, Retention, SecondHandles,
    SeveralActors, Snapshots, Timers,
};
use super::{Rule, rules};

/// Hands the rules for event stores to a macro: `theme { name [needs] [unless] "what it says"; … } …`.
#[doc(hidden)]
#[macro_export]
macro_rules! __event_store_rules {
    ($($callback:tt)*) => { $($callback)*! {
        versions {
            first_is_above_zero [] [] "an actor without events is at version 0, and its first event above it";
            equal_is_refused [] [] "the version that the actor is at is refused";
            lower_is_refused [] [] "versions below the one that the actor is at are refused";
            gaps_are_allowed [] [] "versions may leave gaps, also in one commit";
            each_actor_has_its_own [] [] "the versions of one actor say nothing about another's";
            go_up_to_the_highest [] [] "versions are 64 bits wide";
            conflicts_name_all_three [] [] "a conflict names the actor, where it is, and what was attempted";
            what_is_refused_leaves_nothing [] [] "a refused save leaves no event, no commit and no other head";
        }
        expectations {
            ascending_saves_over_what_it_has_not_seen [] [] "the plain rule saves over commits that it has not seen";
            exact_saves_at_its_version [] [] "Exact saves if the actor is at that version";
            exact_refuses_any_other_version [] [] "Exact refuses if the actor is at any other version";
            no_events_saves_the_first [] [] "NoEvents saves if the actor has none";
            no_events_refuses_a_second [] [] "NoEvents refuses if the actor has some";
            at_saves_on_its_head [] [] "At saves on the head of a save, of a read and of a load";
            at_refuses_any_other_head [] [] "At refuses on any other head, older, none or another actor's";
            at_sees_commits_without_events [] [] "At refuses over a commit without events";
            exact_saves_over_a_commit_without_events [] [] "Exact saves over a commit without events";
            no_events_saves_over_a_commit_without_events [] [] "NoEvents saves over a commit without events";
            the_plain_rule_always_holds [] [] "whatever is expected, versions ascend";
        }
        notes {
            come_back_unchanged [] [] "notes come back byte by byte";
            empty_is_not_absent [] [] "an empty note is a note";
            are_invisible_to_readers_of_events [] [] "readers of events see nothing of notes";
            alone_move_the_head_and_not_the_version [] [] "a commit without events is a new head of the same version";
            can_be_an_actors_first [] [] "a commit without events may be the first";
            of_several_actors_stay_with_theirs [SeveralActors] [] "each actor of a commit has its own note";
        }
        confirm {
            is_true_while_the_head_is_last [] [] "the last head is confirmed";
            is_false_after_an_event [] [] "a head with an event after it is not confirmed";
            is_false_after_a_commit_without_events [] [] "a head with a commit after it is not confirmed";
            knows_an_actor_without_commits [] [] "the head of an actor without commits is none";
            leaves_no_trace [] [] "confirming leaves neither head nor commit nor event nor actor";
            sees_the_saves_of_other_handles [SecondHandles] [] "a head is not confirmed over another handle's save";
            is_never_true_behind_racing_writers [] [] "no head is confirmed after a later one was acknowledged";
        }
        atomicity {
            several_events_are_one_commit [] [] "several events saved in one go are one commit";
            follow_each_other [] [] "nothing comes between the events of a commit";
            many_events_fit_in_one [] [] "500 events fit in one commit";
            invalid_last_event_saves_nothing [] [] "a commit whose last event is invalid is invalid, all of it";
            duplicate_ids_are_invalid [] [] "two events of a commit with one id are invalid";
            nothing_is_no_commit [] [] "a commit of nothing is invalid";
            without_events_a_head_is_needed [] [] "a part without events and without a head is invalid";
            partly_late_events_save_nothing [] [] "a commit that begins too low is refused, all of it";
        }
        actors {
            are_stored_one_by_one [SeveralActors] [] "[a1, b1, a2] is stored as a1, a2, b1, and nothing comes between";
            are_all_there [SeveralActors] [] "the events of each actor are there, unchanged";
            are_marked [SeveralActors] [] "each event of several actors' commit has its id, index and actors";
            alone_are_not_marked [] [] "a commit of one actor has neither marks nor an id of its own";
            in_conflict_save_nothing [SeveralActors] [] "if any actor conflicts, also the last, nothing is saved";
            have_expectations_of_their_own [SeveralActors] [] "each actor of a commit has its own expectation";
            may_take_part_without_events [SeveralActors] [] "an actor without events takes part by its head";
            get_their_heads_back [SeveralActors] [] "a save says the heads of all its actors";
            are_a_hundred_at_most [SeveralActors] [] "a commit is over 100 actors at most";
            unsupported_are_refused_as_such [] [SeveralActors] "what a store cannot do it refuses as unsupported";
        }
        commits {
            are_read_as_they_were_saved [] [] "commits come back with their events, heads and notes";
            are_read_after_a_head [] [] "the commits after each head are read, to the last";
            end_with_the_head [] [] "the last commit's head is the actor's";
        }
        reading {
            unknown_actor_has_nothing [] [] "an unknown actor has no events, no commits and version 0";
            from_is_inclusive [] [] "reading begins at the version asked for, below, at, between and above what is there";
            backward_is_newest_first [] [] "reading backward begins at the version asked for, newest first";
            a_long_history_is_in_order [] [] "several hundred events come in order, both ways";
            all_are_in_the_order_of_positions [] [] "all events come in the order of their positions";
            limit_is_kept [] [] "as many events come as there are within the limit, also none";
            resumes_after_every_position [] [] "reading goes on after any position, also inside of a commit";
            pages_make_the_whole [] [] "read page by page, all events come once";
            saved_position_is_the_last_events [] [] "a save says the position of its last event";
            is_the_same_everywhere [] [] "an event is the same whichever way it is read";
            tells_when_it_was_recorded [] [] "an event says when the store recorded it";
        }
        categories {
            list_their_actors_in_order [] [] "a category lists its actors once each, by their subjects";
            are_paged [] [] "page by page, all actors of a category come once";
            go_on_after_an_actor_that_is_not_there [] [] "the actor to go on after need not exist";
            are_apart [] [] "a category has the actors whose category it is, and no others";
            list_actors_without_events [] [] "an actor with a commit is listed, also without events";
        }
        ids {
            with_odd_characters_are_apart [] [] "ids with spaces, dots, slashes, % and the like are each their own";
            in_unicode_are_apart [] [] "ids in unicode are each their own";
            with_wildcards_are_literal [] [] "ids with wildcards match nobody else";
            of_the_dash_forms_are_apart [] [] "order, order- and -order are three actors";
            go_up_to_the_length_limit [] [] "ids at the length limit work, longer ones are refused";
        }
        payloads {
            four_ways_to_say_nothing [] [] "absent, null, \"\" and empty bytes are four payloads";
            json_comes_back_byte_by_byte [] [] "JSON comes back byte by byte, also its spaces and numbers";
            binary_comes_back [] [] "binary data of every byte and length come back";
            content_types_come_back [] [] "content types come back, also odd ones";
            of_700_kb_binary_come_back [] [] "700 KB of binary data come back";
            of_900_kb_json_come_back [] [] "900 KB of JSON come back";
            over_the_limit_are_refused [CommitLimit] [] "a commit that is too large is refused with size and limit";
        }
        fields {
            all_come_back [] [] "every field comes back, also alone";
            empty_texts_are_not_absent [] [] "an empty text is not an absent one";
            any_uuid_is_an_id [] [] "ids of any UUID version come back";
            any_metadata_key_comes_back [] [] "metadata of any key come back";
            any_metadata_value_comes_back [] [] "metadata of any value come back";
            any_event_type_comes_back [] [] "event types of any characters come back, up to the longest";
            timestamps_are_exact [] [] "timestamps come back to the nanosecond";
        }
        resend {
            is_the_same_success [] [] "a commit saved again is the same success and no second copy";
            is_found_below_others [] [] "so it is with others on top of it";
            is_found_through_another_handle [SecondHandles] [] "so it is through another handle";
            needs_no_expectation_any_more [] [] "so it is though its expectation no longer holds";
            works_without_events [] [] "so it is for a commit without events";
            works_for_several_actors [SeveralActors] [] "so it is for a commit over several actors";
            of_a_part_is_a_conflict [] [] "a commit of which only a part is stored is a conflict";
            of_a_part_of_the_actors_is_a_conflict [SeveralActors] [] "so is one that is stored for only some actors";
            of_other_events_is_a_conflict [] [] "equal events of other ids are not the same commit";
            goes_by_actor_and_id [] [] "another actor's event may have the same id";
            is_found_under_a_thousand_commits [] [] "a commit is found 1,000 commits back, and never stored twice";
        }
        handles {
            see_each_other [SecondHandles] [] "what one handle saved any other reads";
            never_save_from_a_stale_cache [SecondHandles] [] "what a handle remembers never saves wrongly";
            save_over_each_other [SecondHandles] [] "what a handle remembers never refuses wrongly";
            opened_again_find_everything [SecondHandles] [] "a storage opened again holds what it held";
        }
        concurrency {
            one_version_has_one_winner [] [] "of writers of one version one wins, and the losers are told";
            writers_on_one_actor_lose_nothing [] [] "racing writers get every version once, and what is acknowledged is there";
            writers_on_many_actors_do_not_conflict [] [] "writers on different actors never conflict";
            several_actors_race_single_saves [SeveralActors] [] "commits over several actors race others, whole";
            the_same_commit_from_many_is_saved_once [] [] "one commit saved by many at once is saved once";
            readers_of_all_miss_nothing [] [] "a reader beside the writers never meets a position below one it has seen";
        }
        namespaces {
            are_apart [Namespaces] [] "what is saved in one namespace is in no other";
            have_streams_that_are_apart [Namespaces] [] "what is saved in one stream is in no other";
            of_one_name_are_one [Namespaces, SecondHandles] [] "a namespace opened twice is the same";
            of_colliding_names_are_apart [Namespaces] [] "namespaces of one sanitised name are apart or refused";
            and_streams_of_colliding_names_are_apart [Namespaces] [] "so are those that collide with their stream";
        }
        retention {
            lets_versions_start_over [Retention] [] "an actor whose events have all expired is new";
            keeps_versions_above_the_snapshots [Retention, Snapshots] [] "unless there is a snapshot, whose version counts";
            leaves_no_hole_unsaid [Retention] [] "expired events are never left out in silence";
            stops_a_reader_backward_at_the_hole [Retention] [] "a reader backward is told where the hole is";
            tells_readers_of_all_what_they_miss [Retention] [] "a reader of all events is told that some have expired";
        }
        capacity {
            full_refuses_and_loses_nothing [BoundedCapacity] [] "a full store refuses, and drops nothing";
            full_keeps_nothing_of_the_refused [BoundedCapacity] [] "a full store holds nothing of what it refused";
        }
        cancellation {
            leaves_the_whole_or_nothing [Cancellation] [] "a dropped save leaves the whole commit or nothing";
            leaves_all_actors_or_none [Cancellation, SeveralActors] [] "so it does over several actors";
            leaves_the_store_usable [Cancellation] [] "after dropped saves the store goes on";
        }
        model {
            random_operations [] [] "random operations through several handles do what a simple model does";
            random_operations_over_several_actors [SeveralActors] [] "so they do with commits over several actors";
        }
    } };
}

/// Hands the rules for snapshot stores to a macro, as `__event_store_rules` does.
#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot_store_rules {
    ($($callback:tt)*) => { $($callback)*! {
        snapshot_store {
            of_an_unknown_actor_are_none [] [] "an actor without a snapshot has none";
            come_back_unchanged [] [] "a snapshot comes back as it was saved";
            are_the_latest [] [] "the latest snapshot is loaded";
            never_go_back [] [] "an older snapshot never replaces a newer one";
            of_the_same_version_are_replaced [] [] "a snapshot of the same version is replaced";
            of_actors_are_apart [] [] "each actor has its own snapshot, whatever its id";
            are_seen_through_other_handles [SecondHandles] [] "what one handle saved any other loads";
            race_and_the_newest_stays [] [] "of racing snapshots the newest stays";
            of_namespaces_are_apart [Namespaces] [] "a snapshot in one namespace is in no other";
        }
        snapshots_and_events {
            remember_the_head [Events] [] "a snapshot keeps the head from which reading goes on";
            ahead_of_the_log_are_ignored [Events] [] "a snapshot that is ahead of the log counts as none";
            ahead_of_the_log_give_way [Events] [] "and does not stand in the way of a true one";
        }
    } };
}

/// Hands the rules for subscriptions to a macro, as `__event_store_rules` does.
#[doc(hidden)]
#[macro_export]
macro_rules! __subscription_rules {
    ($($callback:tt)*) => { $($callback)*! {
        subscribing {
            begins_at_the_start [] [] "from the start all events come, and then what is saved";
            begins_before_the_first_event [] [] "so they do on a store that is empty";
            begins_after_any_position [] [] "after any position what follows it comes, also inside of a commit";
            begins_after_the_last_position [] [] "after the last position what is saved then comes";
            now_is_after_what_is_there [] [] "from now on nothing comes that is there already";
            now_is_when_it_returns [] [] "whatever is saved after subscribing has returned comes";
            delivers_what_is_read [] [] "an event comes as it is read, live and replayed";
            replays_a_long_log [] [] "of a long log everything comes in order";
        }
        filters {
            take_a_category [] [] "a category is its actors and no others";
            take_one_actor [] [] "one actor is that one";
            take_ids_literally [] [] "an id with wildcards is one actor's id";
            take_types [] [] "only events of the types come";
            take_actors_and_types [] [] "actors and types must both match";
            take_types_that_nobody_has [] [] "of a type that nobody has nothing comes, until somebody has it";
            take_nothing_of_no_types [] [] "of no types at all nothing comes";
        }
        catching_up {
            is_said_when_all_was_delivered [] [] "CaughtUp comes after all that was there";
            is_said_once [] [] "and not again without having fallen behind";
            is_said_of_an_empty_store [] [] "so it does of an empty store";
            is_said_where_nothing_is_left [] [] "so it does after the last position";
            is_said_where_nothing_matches [] [] "so it does where nothing matches";
            is_seamless [] [] "between what was there and what comes nothing is skipped, doubled or out of order";
        }
        whole_commits {
            are_together [] [] "between the events of a commit none of another comes";
            of_several_actors_are_together [SeveralActors] [] "so it is in a commit over several actors";
            of_several_actors_are_marked [SeveralActors] [] "whose events come with their marks";
            come_when_they_stand [SeveralActors] [] "and none before all of them stand, none left out";
            of_several_actors_are_resumed_inside [SeveralActors] [] "after any of them the others still come";
            come_in_part_to_filtered_readers [SeveralActors] [] "and those that match come to whoever filters";
            may_have_parts_without_events [SeveralActors] [] "a part without events goes by like any other";
        }
        positions_go_by {
            whoever_they_are_of [] [] "each save's position goes by, also where nothing matches";
            of_commits_without_events [] [] "so does that of a commit without events";
            of_several_actors [SeveralActors] [] "so does that of a commit over several actors";
            never_before_an_event [] [] "no position goes by before the events up to it";
            and_resuming_there_skips_nothing [] [] "after a position that was passed nothing is missing";
        }
        subscriptions {
            are_independent [] [] "each subscription has everything, at its own pace";
            may_be_dropped [] [] "dropping one, at any moment, disturbs no other";
            may_be_slow [] [] "one that is read late has everything, and says so if it falls behind";
            need_not_be_waited_for [] [] "giving up a wait loses nothing";
            see_other_handles [SecondHandles] [] "what any handle saves comes";
            of_namespaces_are_apart [Namespaces] [] "what is saved in one namespace comes in no other";
        }
        expired_positions {
            are_refused [Retention] [] "after a position of which the next event has expired nobody subscribes";
            end_a_reader_that_lags [Retention] [] "a reader whose next event has expired is told";
        }
        outages {
            lose_nothing [Outages] [] "what is saved while a reader is cut off comes, once and in order";
            begin_where_they_were_to [Outages] [] "a restart before the first delivery moves no beginning";
            go_on_in_a_replay [Outages] [] "an interrupted replay goes on where it was";
            go_on_live [Outages] [] "a reader of what is saved through a restart has all of it";
        }
        subscription_model {
            random_subscriptions [] [] "random saves and subscriptions do what a simple model does";
            random_subscriptions_over_several_actors [SeveralActors] [] "so they do with commits over several actors";
        }
    } };
}

/// Hands the rules for timers to a macro, as [`__event_store_rules`] does.
#[doc(hidden)]
#[macro_export]
macro_rules! __timer_rules {
    ($($callback:tt)*) => { $($callback)*! {
        setting_timers {
            come_when_they_are_due [Timers] [] "a timer comes when it is due, and not before";
            of_the_past_come_at_once [Timers] [] "a timer whose time has passed comes at once";
            come_back_unchanged [Timers] [] "a timer comes with its id, its time and its payload as they were set";
            replaced_come_as_the_last_was_set [Timers] [] "of timers with one id only the last comes, at its time";
            that_are_due_are_replaced [Timers] [] "so it is if the first one was due and had not been handed out";
            cancelled_do_not_come [Timers] [] "a timer that was cancelled does not come, unless it is set again";
            that_are_not_set_are_cancelled [Timers] [] "cancelling what is not set is no error";
            set_twice_come_once [Timers] [] "a timer that is set again, the same, comes once";
            acknowledged_are_set_anew [Timers] [] "a timer that was acknowledged can be set again, the same";
            too_large_are_refused [Timers, CommitLimit] [] "a payload that is too large is refused with size and limit";
            unsupported_are_refused_as_such [] [Timers] "a store without timers says so";
        }
        handing_out {
            unacknowledged_come_again [Timers] [] "a timer comes until it is acknowledged, and counts how often";
            acknowledged_do_not_come_again [Timers] [] "a timer that was acknowledged does not come again";
            given_back_come_later [Timers] [] "one that was given back comes after a while, and holds up no other";
            go_to_one_of_several [Timers] [] "each timer is handed to one listener";
            wait_for_a_listener [Timers] [] "a timer that was due while nobody listened comes later";
            outlive_their_listener [Timers] [] "a listener that leaves takes no timer along";
            a_thousand_come [Timers] [] "1,000 timers come, each once";
        }
        timer_ids {
            are_each_their_own [Timers] [] "whatever actors and names look like, each timer is its own";
            of_namespaces_are_apart [Timers, Namespaces] [] "the timers of one namespace come in no other";
        }
        timer_handles {
            see_each_other [Timers, SecondHandles] [] "what one handle sets another replaces, cancels and is told";
            opened_again_find_everything [Timers, SecondHandles] [] "timers wait while nobody has the storage open";
        }
        timer_outages {
            lose_nothing_that_waits [Timers, Outages] [] "timers that wait, or come due, outlive a restart";
            lose_nothing_for_a_listener [Timers, Outages] [] "a listener that was cut off is told what came due";
            lose_nothing_that_is_set [Timers, Outages] [] "what is set and acknowledged through a restart comes";
        }
    } };
}

macro_rules! registry {
    ($($theme:ident { $($name:ident [$($needs:ident),*] [$($unless:ident),*] $says:literal;)* })*) => {
        &[$($(
            Rule {
                theme: stringify!($theme),
                name: stringify!($name),
                says: $says,
                needs: &[$($needs),*],
                unless: &[$($unless),*],
                run: |fixture| Box::pin(rules::$theme::$name(fixture)),
            },
        )*)*]
    };
}

/// All rules for event stores.
pub const EVENT_STORE_RULES: &[Rule] = __event_store_rules!(registry);

/// All rules for snapshot stores.
pub const SNAPSHOT_STORE_RULES: &[Rule] = __snapshot_store_rules!(registry);

/// All rules for subscriptions.
pub const SUBSCRIPTION_RULES: &[Rule] = __subscription_rules!(registry);

/// All rules for timers.
pub const TIMER_RULES: &[Rule] = __timer_rules!(registry);

/// Holds an event store against the contract: makes one `#[test]` of each rule.
///
/// Takes an expression that makes a [`Fixture`](crate::store::Fixture); it is evaluated once for each rule.
/// Belongs in a module of its own, since it makes one module for each theme.
#[macro_export]
macro_rules! event_store_conformance {
    ($fixture:expr $(,)?) => {
        fn __event_store_fixture() -> impl $crate::store::Fixture {
            $fixture
        }
        $crate::__event_store_rules!($crate::__event_store_tests);
    };
}

/// Holds a snapshot store against the contract, as [`event_store_conformance!`](crate::event_store_conformance) does an
/// event store; both may stand in one module.
#[macro_export]
macro_rules! snapshot_store_conformance {
    ($fixture:expr $(,)?) => {
        fn __snapshot_store_fixture() -> impl $crate::store::Fixture {
            $fixture
        }
        $crate::__snapshot_store_rules!($crate::__snapshot_store_tests);
    };
}

/// Holds an event store that can be followed against the contract of [`Subscribe`](aether_core::Subscribe), as
/// [`event_store_conformance!`](crate::event_store_conformance) does with that of an event store; all may stand in one
/// module.
#[macro_export]
macro_rules! subscription_conformance {
    ($fixture:expr $(,)?) => {
        fn __subscription_fixture() -> impl $crate::store::Fixture {
            $fixture
        }
        $crate::__subscription_rules!($crate::__subscription_tests);
    };
}

/// Holds timers against the contract of [`Timers`](aether_core::Timers), as
/// [`event_store_conformance!`](crate::event_store_conformance) does an event store; all may stand in one module.
#[macro_export]
macro_rules! timer_conformance {
    ($fixture:expr $(,)?) => {
        fn __timer_fixture() -> impl $crate::store::Fixture {
            $fixture
        }
        $crate::__timer_rules!($crate::__timer_tests);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event_store_tests {
    ($($list:tt)*) => { $crate::__conformance_tests!(EVENT_STORE_RULES, __event_store_fixture, $($list)*); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot_store_tests {
    ($($list:tt)*) => { $crate::__conformance_tests!(SNAPSHOT_STORE_RULES, __snapshot_store_fixture, $($list)*); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __subscription_tests {
    ($($list:tt)*) => { $crate::__conformance_tests!(SUBSCRIPTION_RULES, __subscription_fixture, $($list)*); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __timer_tests {
    ($($list:tt)*) => { $crate::__conformance_tests!(TIMER_RULES, __timer_fixture, $($list)*); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($rules:ident, $fixture:ident, $($theme:ident { $($name:ident $needs:tt $unless:tt $says:literal;)* })*) => {
        $(
            mod $theme {
                $(
                    #[test]
                    fn $name() {
                        let name = concat!(stringify!($theme), "::", stringify!($name));
                        $crate::check($crate::store::$rules, name, &super::$fixture());
                    }
                )*
            }
        )*
    };
}
