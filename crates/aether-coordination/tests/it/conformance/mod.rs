//! What every coordination must do, held against the one in memory and the one on NATS, on one server and on three.

mod keys;
mod leases;
mod place;
mod races;
mod signals;
mod watching;

use place::Place;

macro_rules! rules {
    ($place:expr; $($module:ident: $($rule:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                crate::conformance::$module::$rule(&$place).await;
            }
        )+)+
    };
}

macro_rules! all_rules {
    ($name:ident, $place:expr) => {
        mod $name {
            rules! { $place;
                keys:
                    a_key_is_written_by_compare_and_set, a_deleted_key_is_absent, a_delete_of_another_revision_is_refused,
                    values_come_back_as_they_were, entries_are_those_below_the_prefix, too_large_a_value_is_refused,
                    a_revision_that_never_was_is_a_conflict, revisions_grow_over_deletes;
                leases:
                    a_lease_expires_whatever_was_there_before, a_lease_that_is_renewed_is_kept, a_put_over_a_lease_stays,
                    a_lease_is_written_by_compare_and_set, a_lease_of_parts_of_a_second_is_refused;
                races: one_of_many_writers_wins_each_round, counters_lose_nothing, one_of_many_creates_and_deletes;
                watching: a_watch_tells_of_puts_and_deletes_below_its_prefix;
                signals:
                    a_listener_hears_at_once_what_is_sent, a_listener_hears_everybody_in_order, topics_are_apart,
                    too_large_a_message_is_refused;
            }
        }
    };
}

all_rules!(memory, crate::conformance::Place::memory());
all_rules!(r1, crate::conformance::Place::r1());
all_rules!(r3, crate::conformance::Place::r3());
