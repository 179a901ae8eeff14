//! Each rule of what to send, and what to believe.

use std::time::Duration;

use aether_actor::{ActorError, CommandId, Failure, Outcome};
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::*;

fn node(number: u128) -> Incarnation {
    Uuid::from_u128(number).into()
}

struct Test {
    call: Call,
    now: Instant,
    id: CommandId,
    owner: Option<Incarnation>,
}

const TIMEOUT: Duration = Duration::from_secs(1);

impl Test {
    fn new(called: impl FnOnce(CommandId) -> Called) -> Self {
        let (now, id) = (Instant::now(), CommandId::new());
        let deadline = now + Duration::from_secs(15);
        let versions = Versions { lowest: 1, highest: 2 };
        let call = Call::new(called(id), now, deadline, Timing::default(), versions, 1, 7);
        Self { call, now, id, owner: Some(node(1)) }
    }

    fn command() -> Self {
        Self::new(|id| Called::Command { id, recorded: false })
    }

    fn next(&mut self) -> Action {
        self.call.next(self.now, self.owner)
    }

    /// Waits through pauses until the next attempt.
    fn send(&mut self) -> Attempt {
        for _ in 0..3 {
            match self.next() {
                Action::Send(attempt) => return attempt,
                Action::Pause(until) => self.now = until,
                other => panic!("{other:?}"),
            }
        }
        panic!("it pauses for ever");
    }

    fn time_out(&mut self) {
        let Action::Await(until) = self.next() else { panic!("nothing is awaited") };
        self.now = until;
    }

    fn reply(&mut self, number: u32, from: u128, recorded: bool, body: Body) {
        let reply = Reply { from: node(from), recorded, sequence: 9, body };
        self.call.reply(self.now, number, reply, self.owner);
    }

    fn refuse(&mut self, number: u32, from: u128, recorded: bool) {
        self.reply(number, from, recorded, Body::Refused(Bytes::from_static(b"1")));
    }

    fn panicked(&mut self, number: u32, from: u128) {
        let error = ActorError::Panicked { message: "boom".to_owned() };
        self.reply(number, from, false, Body::Failed(Failure::from(&error)));
    }

    fn done(&mut self) -> Result<Answer, ActorError> {
        match self.next() {
            Action::Done(result) => result,
            other => panic!("not done: {other:?}"),
        }
    }

    fn is_open(&mut self) -> bool {
        !matches!(self.next(), Action::Done(_))
    }

    fn at_deadline(&mut self) -> ActorError {
        self.now += Duration::from_secs(60);
        self.done().unwrap_err()
    }
}

fn refused(result: Result<Answer, ActorError>) -> bool {
    matches!(result, Ok(Answer::Replied(Replied { outcome: Outcome::Refused(_), .. })))
}

#[test]
fn the_first_attempt_is_for_the_owner_alone_and_unrecorded() {
    let mut test = Test::command();
    let first = test.send();
    assert_eq!((first.number, first.to, first.recorded), (0, Some(node(1)), false));
    assert_eq!(first.left, Duration::from_secs(15));
    test.refuse(0, 1, false);
    assert!(refused(test.done()));
}

#[test]
fn without_an_owner_the_first_attempt_is_recorded() {
    let mut test = Test::command();
    test.owner = None;
    let first = test.send();
    assert_eq!((first.to, first.recorded), (None, true));
    // Another node may have it too, so an answer that stands nowhere proves nothing.
    test.refuse(0, 1, false);
    assert!(test.is_open());
    test.refuse(0, 1, true);
    assert!(refused(test.done()));
}

#[test]
fn after_a_timeout_attempts_are_recorded_and_for_whoever_acts() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    let second = test.send();
    assert_eq!((second.number, second.to, second.recorded), (1, None, true));
    assert_eq!(second.left, Duration::from_secs(14));
}

#[test]
fn an_earlier_unrecorded_reply_is_not_believed_once_another_attempt_was_sent() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    test.send();
    test.refuse(0, 1, false);
    assert!(test.is_open());
    test.refuse(1, 2, true);
    assert!(refused(test.done()));
}

#[test]
fn an_earlier_recorded_reply_is_believed() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    test.send();
    test.refuse(0, 1, true);
    assert!(refused(test.done()));
}

#[test]
fn an_unrecorded_reply_to_a_later_attempt_is_not_believed() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    test.send();
    test.refuse(1, 2, false);
    assert!(test.is_open());
    assert_eq!(test.at_deadline(), ActorError::TimedOut { id: test.id });
}

#[test]
fn a_failure_while_another_attempt_is_doubtful_is_no_answer() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    test.send();
    test.panicked(1, 2);
    assert!(test.is_open());
    test.panicked(0, 1);
    assert!(test.is_open());
    assert_eq!(test.at_deadline(), ActorError::TimedOut { id: test.id });
}

#[test]
fn a_failure_of_the_only_attempt_is_an_answer() {
    let mut test = Test::command();
    test.send();
    test.panicked(0, 1);
    assert_eq!(test.done().unwrap_err(), ActorError::Panicked { message: "boom".to_owned() });
}

#[test]
fn what_a_node_that_stops_did_not_begin_is_sent_again() {
    let mut test = Test::command();
    test.send();
    test.reply(0, 1, false, Body::Failed(Failure::from(&ActorError::Stopped)));
    let second = test.send();
    assert_eq!((second.to, second.recorded), (Some(node(1)), false));
}

#[test]
fn an_unknown_outcome_leaves_the_attempt_doubtful() {
    let mut test = Test::command();
    test.send();
    let unknown = Failure::from(&ActorError::TimedOut { id: test.id });
    test.reply(0, 1, false, Body::Failed(unknown));
    let second = test.send();
    assert_eq!((second.to, second.recorded), (None, true));
    assert_eq!(test.at_deadline(), ActorError::TimedOut { id: test.id });
}

#[test]
fn what_was_not_begun_leaves_the_next_attempt_exclusive() {
    for not_begun in [Body::Again(None), Body::Overloaded, Body::Expired] {
        let mut test = Test::command();
        test.send();
        test.reply(0, 1, false, not_begun);
        assert!(matches!(test.next(), Action::Pause(_)));
        let second = test.send();
        assert_eq!((second.to, second.recorded), (Some(node(1)), false));
    }
    let mut test = Test::command();
    test.send();
    test.call.no_responders(test.now, 0);
    assert!(!test.send().recorded);
}

#[test]
fn that_another_node_has_not_begun_it_proves_nothing() {
    for not_begun in [Body::Again(Some(node(2))), Body::Overloaded, Body::Expired] {
        let mut test = Test::command();
        test.send();
        test.reply(0, 2, false, not_begun);
        let second = test.send();
        assert_eq!((second.to, second.recorded), (None, true));
        test.panicked(1, 2);
        assert_eq!(test.at_deadline(), ActorError::TimedOut { id: test.id });
    }
}

#[test]
fn a_late_word_of_the_right_node_ends_the_doubt() {
    let mut test = Test::command();
    test.send();
    test.time_out();
    test.send();
    test.call.no_responders(test.now, 1);
    test.reply(0, 1, false, Body::Again(None));
    let third = test.send();
    assert_eq!((third.to, third.recorded), (Some(node(1)), false));
    test.refuse(2, 1, false);
    assert!(refused(test.done()));
}

#[test]
fn a_hint_is_followed_until_the_table_says_something_new() {
    let mut test = Test::command();
    test.send();
    test.reply(0, 1, false, Body::Again(Some(node(2))));
    assert_eq!(test.send().to, Some(node(2)));
    test.reply(1, 2, false, Body::Again(Some(node(3))));
    test.owner = Some(node(4));
    assert_eq!(test.send().to, Some(node(4)));
}

#[test]
fn a_lost_connection_leaves_the_attempt_doubtful() {
    let mut test = Test::command();
    test.send();
    test.call.disconnected(test.now);
    assert!(matches!(test.next(), Action::Pause(_)));
    assert!(test.send().recorded);
}

#[test]
fn if_nothing_was_begun_until_the_deadline_that_is_said() {
    let mut test = Test::command();
    test.send();
    test.call.no_responders(test.now, 0);
    assert_eq!(test.at_deadline(), ActorError::Expired);
    let mut test = Test::command();
    test.send();
    test.reply(0, 1, false, Body::Overloaded);
    let error = test.at_deadline();
    assert!(!error.is_unknown() && error.is_retryable() && error.to_string().contains("too much"));
}

#[test]
fn an_attempt_that_is_under_way_at_the_deadline_may_have_been_executed() {
    let mut test = Test::command();
    test.send();
    assert_eq!(test.at_deadline(), ActorError::TimedOut { id: test.id });
}

#[test]
fn pauses_and_timeouts_grow_up_to_their_limits() {
    let mut test = Test::command();
    let mut pauses = Vec::new();
    for number in 0..10 {
        test.send();
        test.call.no_responders(test.now, number);
        let Action::Pause(until) = test.next() else { panic!("no pause") };
        pauses.push(until - test.now);
    }
    assert!(pauses[0] >= Duration::from_micros(2500) && pauses[0] <= Duration::from_millis(5));
    assert!(pauses[9] >= Duration::from_millis(125) && pauses[9] <= Duration::from_millis(250));
    let mut test = Test::command();
    let waits = [(); 4].map(|()| {
        test.send();
        let before = test.now;
        test.time_out();
        test.now - before
    });
    assert_eq!(waits, [1, 2, 4, 4].map(|times| TIMEOUT * times));
}

#[test]
fn who_has_lost_the_shard_is_not_waited_for() {
    let mut test = Test::command();
    test.send();
    test.owner = Some(node(2));
    let Action::Await(until) = test.next() else { panic!("nothing is awaited") };
    assert_eq!(until - test.now, Duration::from_millis(250));
}

#[test]
fn an_unread_version_makes_it_speak_another() {
    let mut test = Test::command();
    assert_eq!(test.send().version, 1);
    test.reply(0, 1, false, Body::Unreadable(Versions { lowest: 2, highest: 3 }));
    assert_eq!(test.send().version, 2);
    test.reply(1, 1, false, Body::Unreadable(Versions { lowest: 5, highest: 6 }));
    assert!(test.done().unwrap_err().to_string().contains("5 to 6"));
}

#[test]
fn a_query_takes_any_answer_that_is_not_behind_what_was_seen() {
    let mut test = Test::new(|_| Called::Query { seen: 9 });
    assert!(!test.send().recorded);
    test.time_out();
    let second = test.send();
    assert_eq!((second.to, second.recorded), (None, false));
    test.reply(0, 1, false, Body::Told(Bytes::from_static(b"5")));
    assert!(matches!(test.done(), Ok(Answer::Told(_))));
    let mut test = Test::new(|_| Called::Query { seen: 10 });
    test.send();
    test.reply(0, 1, false, Body::Told(Bytes::from_static(b"5")));
    assert!(test.is_open());
}

#[test]
fn an_answer_to_an_attempt_that_was_not_made_is_ignored() {
    let mut test = Test::command();
    test.send();
    test.refuse(5, 1, true);
    assert!(test.is_open());
}
