//! What is wrong fails, and says what is wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use aether_testkit::scenario;
use serde_json::json;

use crate::account::{
    Account, AccountError, AccountEvent, Balance, Deposit, Open, SendMail, Unlisted, Withdraw, opened,
};

/// What a scenario that must fail says.
#[track_caller]
fn failure<T>(scenario: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(scenario)) {
        Ok(_) => panic!("it passed"),
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
        },
    }
}

#[track_caller]
fn assert_says<T>(parts: &[&str], scenario: impl FnOnce() -> T) {
    let text = failure(scenario);
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn other_events_are_shown_beside_the_expected_ones() {
    let text = failure(|| {
        scenario::<Account>()
            .given([opened(), AccountEvent::Deposited { cents: 12 }])
            .when(Withdraw { cents: 5 })
            .then([AccountEvent::Withdrawn { cents: 6 }])
    });
    assert_eq!(
        text,
        "other events happen (- expected, + actual):\n  \
         [\n      Withdrawn {\n-         cents: 6,\n+         cents: 5,\n      },\n  ]\n"
    );
}

#[test]
fn a_reply_an_answer_and_an_error_are_compared() {
    assert_says(&["the reply is another one", "- 8", "+ 5"], || {
        scenario::<Account>().given([opened()]).when(Deposit { cents: 5 }).then_reply(&8)
    });
    assert_says(&["it answers otherwise", "- 8", "+ 0"], || {
        scenario::<Account>().given([opened()]).then_answer(Balance, &8)
    });
    assert_says(&["the error is another one", "- NotOpen", "+ Overdrawn"], || {
        scenario::<Account>().given([opened()]).when(Withdraw { cents: 5 }).then_error(AccountError::NotOpen)
    });
}

#[test]
fn a_refusal_is_not_an_event_and_the_other_way_round() {
    assert_says(&["Withdraw is refused: overdrawn by 5"], || {
        scenario::<Account>().given([opened()]).when(Withdraw { cents: 5 }).then([])
    });
    assert_says(&["Withdraw is refused"], || {
        scenario::<Account>().given([opened()]).when(Withdraw { cents: 5 }).then_nothing()
    });
    assert_says(&["Deposit is not refused with NotOpen", "cents: 5"], || {
        scenario::<Account>().when(Deposit { cents: 5 }).then_error(AccountError::NotOpen)
    });
}

#[test]
fn what_is_declared_is_compared() {
    let when = || scenario::<Account>().when(Open { owner: "ada".to_owned() });
    assert_says(&["it is not declared", "SendMail", "bob", "ada"], || {
        when().then_effect(SendMail { to: "bob".to_owned() })
    });
    assert_says(&["it is not declared"], || {
        when().then_timer("review", Duration::from_secs(61), Deposit { cents: 1 })
    });
    assert_says(&["it is not declared"], || {
        when().then_timer("review", Duration::from_secs(60), Deposit { cents: 2 })
    });
    assert_says(&["it is not declared"], || {
        when().then_timer("audit", Duration::from_secs(60), Deposit { cents: 1 })
    });
    assert_says(&["it is not declared"], || when().then_cancelled("review"));
    assert_says(&["other events happen"], || when().then_nothing());
}

#[test]
fn an_event_that_loses_something_fails() {
    assert_says(&["Remarked does not come back as it was", "- ", "draft: 3", "draft: 0"], || {
        scenario::<Account>().given([AccountEvent::Remarked { text: "hm".to_owned(), draft: 3 }])
    });
}

#[test]
fn an_event_that_cannot_be_read_fails() {
    assert_says(&["cannot be read", "Audited"], || scenario::<Account>().given_stored("Audited", json!({})));
    assert_says(&["cannot be read", "Deposited"], || {
        scenario::<Account>().given_stored("Deposited", json!({"pounds": 1}))
    });
}

#[test]
fn a_command_that_is_not_listed_fails() {
    assert_says(&["Unlisted is not listed"], || scenario::<Account>().when(Unlisted));
}

#[test]
fn a_key_that_makes_no_id_fails() {
    assert_says(&["makes no actor's id"], || scenario::<Account>().as_actor(&"x".repeat(1000)));
}
