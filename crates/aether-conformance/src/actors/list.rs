//! The list of all rules, and the macro that makes a test of each.
//!
//! There is this one list: a rule that is added to it runs on every store, and a rule function that is not in it is dead
//! code, which the lints refuse.

use super::{Rule, rules};

/// Hands the rules to a macro: `theme { name "what it says"; … } …`.
#[doc(hidden)]
#[macro_export]
macro_rules! __actor_rules {
    ($($callback:tt)*) => { $($callback)*! {
        saving {
            a_reply_is_backed_by_its_events "when the reply is there, its events are";
            a_reply_waits_for_the_save "there is no reply before the save stands";
            events_name_their_command "each event names the command that led to it";
            a_refusal_saves_nothing "a refusal leaves nothing";
            an_answer_that_saves_nothing_is_true "an answer that saves nothing knows what was acknowledged elsewhere";
            a_refusal_is_true "a refusal knows what was acknowledged elsewhere";
            answers_that_wait_share_a_proof "answers that wait together share a proof";
        }
        queries {
            see_their_callers_own_writes "a query sees what its caller has written";
            know_an_actor_without_events "a query to an actor without events is answered, and leaves nothing";
            are_answered_from_memory "a query does not ask the store";
            never_go_back "no answer is of before what its caller has seen";
            linearizable_ones_see_the_writes_of_others "a linearizable query sees what was acknowledged elsewhere";
        }
        conflicts {
            no_update_is_lost "two systems that add to one actor lose nothing, and each reply is that of its turn";
            a_command_is_decided_again "after a conflict a command is decided on what others have saved";
            are_given_up_in_the_end "after so many conflicts the caller is told";
        }
        once {
            one_after_the_other "a command that is sent again is answered as before";
            another_id_is_another_command "another id, or none, is another command";
            at_the_same_time "a command that is sent at the same time is executed once";
            through_two_systems "a command that is sent through two systems is executed once";
            after_leaving_memory "a command is known after its actor has left memory";
            after_a_restart "a command is known after a restart";
            after_a_snapshot "a command is known from a snapshot, and from before it";
            beyond_what_is_remembered "a command that is not remembered is looked for in the log";
            within_1024_commits "a command is found through 1,000 commits";
            beyond_1024_commits_it_is_not_guessed "beyond 1,024 commits the caller is told, and nothing is done";
            since_narrows_the_search "no more is looked through than `since` says";
            a_recorded_refusal_stays_the_same "a recorded refusal is the same when the command is sent again";
            a_recorded_answer_stays_the_same "a recorded answer that saves nothing stays the same";
            a_large_reply_is_not_kept "of a reply over 4 KiB it is known that it was given";
        }
        order {
            commands_of_one_actor_keep_theirs "commands of one actor are executed in the order in which they come";
            one_actor_does_not_wait_for_another "a save that takes long holds up its own actor only";
            commands_that_wait_share_commits "commands that wait share commits, and each has its own reply";
            sharing_a_commit_shares_nothing_else "refusals and panics in a shared commit are their own commands' alone";
            one_by_one_shares_no_commit "one by one, each command has a commit of its own";
            ten_thousand_actors_get_through "10,000 actors at the same time get through";
        }
        mailbox {
            full_for_too_long_is_overload "a mailbox that is full to the deadline refuses, and nothing is begun";
            whoever_waits_for_room_gets_it "whoever finds a full mailbox waits for room";
            what_is_late_is_not_begun "what has passed its deadline is not begun";
            a_dropped_ask_is_not_begun "an ask that is dropped before its turn is not begun";
            a_dropped_ask_that_was_begun_is_finished "an ask that is dropped in its turn is finished";
            a_deadline_is_kept_while_the_store_is_silent "a caller waits no longer than its deadline, and can find out later";
        }
        outages {
            a_lost_acknowledgement_is_found_out "a save whose acknowledgement is lost is found out";
            a_lost_save_is_saved_again "a save that is lost is saved again";
            several_losses_are_overcome "one loss after the other is overcome";
            an_unavailable_store_is_waited_for "a store that is not there is waited for";
            recorded_answers_are_found_out_too "an answer's record that is lost is saved once";
            the_next_command_waits_for_what_is_not_known "no command is decided before it is known what became of the last";
            what_is_not_known_is_found_out_also_for_nobody "what became of a save is found out when nobody waits any more";
            unavailable_to_the_deadline_is_told "a store that is not there until the deadline is told, and nothing is saved";
            what_the_store_refuses_is_told "what the store refuses is told, and the actor goes on";
            what_cannot_be_read_is_read_again "an actor that cannot be read is read again until the deadline";
        }
        panics {
            in_decide_fails_that_command "a panic in `decide` fails that command alone";
            in_evolve_saves_nothing "an event that `evolve` panics on is not saved";
            in_answer_fails_that_query "a panic in `answer` fails that query alone";
            on_replay_park_the_actor "a history that cannot be replayed parks its actor, and no other";
            unknown_events_park_or_are_skipped "an unknown event parks its actor, or is skipped if that is asked for";
        }
        snapshots {
            are_taken_after_so_many_events_and_used "a snapshot is taken after so many events, and saves reading them";
            are_taken_after_so_many_bytes "a snapshot is taken after so many bytes";
            are_taken_after_so_long "a snapshot is taken after so long";
            are_taken_when_the_actor_leaves "a snapshot is taken when the actor leaves memory";
            are_neither_taken_nor_read_without_a_policy "without a policy there are no snapshots";
            of_an_older_form_are_upcast "a snapshot of an older form is upcast";
            of_an_older_form_may_be_ignored "a snapshot of an older form that is not upcast is ignored";
            of_something_else_are_ignored "a snapshot of something else is ignored";
            that_cannot_be_saved_are_not_missed "a snapshot that cannot be saved is not missed";
        }
        memory {
            a_reference_takes_none "a reference to an actor touches nothing";
            the_idle_leave "idle actors leave memory, and come back";
            those_at_work_stay "an actor at work does not leave";
            no_more_stay_than_the_limit "no more actors stay than the limit allows";
            no_more_stay_than_their_bytes_allow "no more actors stay than the limit of bytes allows";
            the_least_recently_used_leave "the least recently used leave first";
            those_who_take_their_time_drive_out_nobody "one that is saved as it leaves does not make others leave";
        }
        shutdown {
            finishes_what_waits "what waits is finished";
            begins_nothing_any_more "nothing is begun afterwards";
            takes_nothing_while_it_finishes "what comes while it finishes is refused";
            tells_what_it_did_not_begin "what was not begun within the deadline is told so, and listed";
            keeps_its_deadline "a shutdown ends at its deadline";
            takes_the_snapshots_that_are_due "snapshots that are due when actors leave are taken";
        }
        time_travel {
            to_any_version "the state at any version can be had, with snapshots or without";
            to_any_time "the state at any time can be had";
        }
        by_name {
            a_command_is_sent_and_answered_once "a command that comes by its name is executed once";
            what_is_not_known_is_told "commands and actors that are not known are told so";
        }
    } };
}

macro_rules! actor_rules {
    ($($theme:ident { $($name:ident $says:literal;)* })*) => {
        /// What the runtime of actors is held against.
        pub const RULES: &[Rule] = &[$($(Rule {
            theme: stringify!($theme),
            name: stringify!($name),
            says: $says,
            needs: &[],
            unless: &[],
            run: |fixture| Box::pin(rules::$theme::$name(fixture)),
        },)*)*];
    };
}

__actor_rules!(actor_rules);

/// Holds the runtime of actors on a store against its contract: makes one `#[test]` for each rule, in a module for each
/// theme.
///
/// It takes an expression that makes a [`Fixture`](crate::actors::Fixture), anew for each rule. To be called once in a
/// module.
#[macro_export]
macro_rules! actor_conformance {
    ($fixture:expr $(,)?) => {
        fn __actor_fixture() -> impl $crate::actors::Fixture {
            $fixture
        }
        $crate::__actor_rules!($crate::__actor_tests);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __actor_tests {
    ($($theme:ident { $($name:ident $says:literal;)* })*) => {
        $(
            mod $theme {
                $(
                    #[test]
                    fn $name() {
                        let name = concat!(stringify!($theme), "::", stringify!($name));
                        $crate::check($crate::actors::RULES, name, &super::__actor_fixture());
                    }
                )*
            }
        )*
    };
}
