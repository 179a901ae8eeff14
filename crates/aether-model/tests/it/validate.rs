//! What validation says: each thing that can be wrong, once.

use aether_model::{Aggregate, Board, BoundedContext, Person, Place, ReadModel, Severity};

/// A board in which nothing is wrong, and `more` at its end, which is inside of the context `banking`.
fn problems(more: &str) -> String {
    let yaml = format!(
        "
board: Bank
people:
  Customer:
    issue: [Open account, Close account]
    look_at: [Balances]
contexts:
  banking:
    read_models:
      Balances:
        from: [Account opened, Account closed]
    aggregates:
      Account:
        handles: [Open account, Close account]
        emits: [Account opened, Account closed]
{more}"
    );
    let board = Board::from_yaml(&yaml).unwrap_or_else(|error| panic!("{error}"));
    board.problems().iter().map(|problem| format!("{problem}\n")).collect()
}

#[track_caller]
fn says(more: &str, expected: &str) {
    assert_eq!(problems(more).trim_end(), expected.trim(), "\n{}", problems(more));
}

#[test]
fn nothing_is_said_of_a_good_board() {
    says("", "");
    says(
        "
    policies:
      Audit:
        when: [Account opened]
        look_at: [Balances]
        then: [Archive]
        emits: [Audit started]
      Days:
        when: [Day ended]
        emits: [Day counted]
    external_systems:
      Archive:
        receives: Archive
      Calendar:
        emits: Day ended
    hot_spots:
      - about: [Audit, Archive, Customer, Balances, Account opened, Close account]
        text: For how long? For ever.
",
        "",
    );
}

#[test]
fn what_nobody_handles() {
    says(
        "
    commands: [Freeze account]
    hot_spots: {text: By whom?, about: Freeze account}",
        "
error: context `banking`, command `Freeze account`: nobody handles it
  help: list it under `handles` of the aggregate that decides about it, or under `receives` of an external system
warning: context `banking`, command `Freeze account`: nobody issues it
  help: list it under `issue` of a person or `then` of a policy, or take it from the board",
    );
}

#[test]
fn what_two_handle() {
    says(
        "
    external_systems:
      Register:
        receives: [Open account]",
        "
error: context `banking`, command `Open account`: is handled by aggregate `Account` and external system `Register`
  help: let one of them decide; if another has something to do then, let a policy react to the event",
    );
}

#[test]
fn what_nobody_emits() {
    says(
        "    events: [Account frozen]",
        "
error: context `banking`, event `Account frozen`: nobody emits it
  help: list it under `emits` of whoever makes it happen",
    );
}

#[test]
fn what_two_emit() {
    says(
        "
    external_systems:
      Register:
        emits: [Account closed]",
        "
hint: context `banking`, event `Account closed`: is emitted by aggregate `Account` and external system `Register`
  help: give each its own event, unless it really makes no difference who did it",
    );
}

#[test]
fn an_aggregate_without_commands_or_events() {
    says(
        "      Branch: {}",
        "
error: context `banking`, aggregate `Branch`: handles no command
  help: list under `handles` what it decides about
error: context `banking`, aggregate `Branch`: emits no event
  help: list under `emits` what can come of its commands; if nothing can, it is no aggregate",
    );
}

#[test]
fn a_policy_without_events_or_commands() {
    says(
        "    policies: [Welcome]",
        "
error: context `banking`, policy `Welcome`: reacts to no event
  help: list under `when` what it reacts to; if time makes it act, let a calendar emit an event
error: context `banking`, policy `Welcome`: sends no command
  help: list under `then` what it does; if it only shows something, it is a read model",
    );
}

#[test]
fn a_read_model_from_nothing_for_nobody() {
    let board = Board::new("Bank").with(ReadModel::new("Statement"));
    assert_eq!(
        board.validate().unwrap_err().to_string(),
        "board `Bank` has 1 error
error: read model `Statement`: is made from no event
  help: list under `from` the events that change it
warning: read model `Statement`: nobody looks at it
  help: list it under `look_at` of whoever decides by it, or take it from the board"
    );
}

#[test]
fn people_and_systems_that_do_nothing() {
    says(
        "
    people: [Auditor]
    external_systems: [Post]",
        "
warning: context `banking`, person `Auditor`: does nothing
  help: list under `issue` the commands of this person, or take the person from the board
warning: context `banking`, external system `Post`: does nothing
  help: list under `receives` and `emits` what goes in and comes out, or take it from the board",
    );
}

#[test]
fn what_comes_from_outside_and_nobody_follows() {
    says(
        "
    external_systems:
      Calendar:
        emits: [Day ended]",
        "
warning: context `banking`, event `Day ended`: comes from outside, and nobody follows it
  help: list it under `when` of a policy or `from` of a read model, or take it from the board",
    );
}

#[test]
fn names_that_are_not_on_the_board() {
    says(
        "
    people:
      Clerk:
        issue: [Opn account, Sing]
        look_at: [Balance, Weather]
    policies:
      Goodbye:
        when: [AccountClose, Sun rose]
        then: [Close akkount]
    hot_spots:
      - text: Why?
        about: Moon",
        "
error: context `banking`, person `Clerk`: issues `Opn account`, which is not on the board
  help: did you mean `Open account`? If not, list it under `handles` of the aggregate, or `receives` of the system, that takes it
error: context `banking`, person `Clerk`: issues `Sing`, which is not on the board
  help: list it under `handles` of the aggregate, or `receives` of the system, that takes it
error: context `banking`, person `Clerk`: looks at `Balance`, which is not on the board
  help: did you mean `Balances`? If not, add it to the `read_models`
error: context `banking`, person `Clerk`: looks at `Weather`, which is not on the board
  help: add it to the `read_models`
error: context `banking`, policy `Goodbye`: reacts to `AccountClose`, which is not on the board
  help: did you mean `Account closed`? If not, list it under `emits` of whoever makes it happen
error: context `banking`, policy `Goodbye`: reacts to `Sun rose`, which is not on the board
  help: list it under `emits` of whoever makes it happen
error: context `banking`, policy `Goodbye`: sends `Close akkount`, which is not on the board
  help: did you mean `Close account`? If not, list it under `handles` of the aggregate, or `receives` of the system, that takes it
error: context `banking`, hot spot `Why?`: is about `Moon`, which is not on the board
  help: name a note that is there",
    );
}

#[test]
fn names_of_the_wrong_kind() {
    says(
        "
    people:
      Clerk:
        issue: [Account opened]
        look_at: [Account]
    policies:
      Goodbye:
        when: [Close account]
        then: [Balances]",
        "
error: context `banking`, person `Clerk`: issues `Account opened`, which is an event
  help: a person issues commands: name a command here
error: context `banking`, person `Clerk`: looks at `Account`, which is an aggregate
  help: people and policies look at read models: name a read model here
error: context `banking`, policy `Goodbye`: reacts to `Close account`, which is a command
  help: a policy reacts to events: name an event here
error: context `banking`, policy `Goodbye`: sends `Balances`, which is a read model
  help: a policy sends commands: name a command here",
    );
}

#[test]
fn names_in_other_contexts() {
    says(
        "
  support:
    policies:
      Welcome:
        when: [Account opened, bankng.Account closed, post.Letter sent]
        then: [banking.Open account, banking.Open shop]",
        "
error: context `support`, policy `Welcome`: reacts to `Account opened`, which is not on the board
  help: did you mean `banking.Account opened`? If not, list it under `emits` of whoever makes it happen
error: context `support`, policy `Welcome`: reacts to `bankng.Account closed`, and there is no context `bankng`
  help: did you mean `banking.Account closed`?
error: context `support`, policy `Welcome`: reacts to `post.Letter sent`, and there is no context `post`
  help: add the context, or name one that is on the board
error: context `support`, policy `Welcome`: sends `banking.Open shop`, which is not on the board
  help: list it under `handles` of the aggregate, or `receives` of the system, that takes it",
    );
}

#[test]
fn names_that_several_contexts_have() {
    says(
        "
  insurance:
    aggregates:
      Policy:
        handles: [Open account]
        emits: [Account opened]",
        "
error: person `Customer`: issues `Open account`, which is in several contexts
  help: say which: `banking.Open account` or `insurance.Open account`
warning: context `banking`, command `Open account`: nobody issues it
  help: list it under `issue` of a person or `then` of a policy, or take it from the board
warning: context `insurance`, command `Open account`: nobody issues it
  help: list it under `issue` of a person or `then` of a policy, or take it from the board",
    );
}

#[test]
fn nobody_emits_for_another_context() {
    says(
        "
    external_systems:
      Register:
        emits: [support.Ticket opened]",
        "
error: context `banking`, external system `Register`: emits `support.Ticket opened`, and that is in another context
  help: what an external system emits belongs to its own context: take the context from the name, or let a policy there do it
warning: context `banking`, event `Ticket opened`: comes from outside, and nobody follows it
  help: list it under `when` of a policy or `from` of a read model, or take it from the board",
    );
}

#[test]
fn names_that_are_there_twice() {
    says(
        "
    people:
      Clerk:
        issue: [Open account, open-account]
      clerk:
        issue: [Close account]",
        "
error: context `banking`, person `clerk`: is there twice: `Clerk` is the same name
  help: join the two, or give one a name that differs in letters or digits
warning: context `banking`, person `Clerk`: issues `open-account` twice
  help: once is enough",
    );
    let twice = Board::new("B").with(Person::new("Clerk").issues(["Go"])).with(Person::new("Clerk"));
    let problems = twice.problems();
    assert_eq!(problems.first().unwrap().what, "is there twice");
}

#[test]
fn contexts_that_are_there_twice_or_have_no_name() {
    let board = Board::new("B")
        .context(BoundedContext::new("Banking"))
        .context(BoundedContext::new("banking"))
        .context(BoundedContext::new("a.b"));
    assert_eq!(
        board.validate().unwrap_err().to_string(),
        "board `B` has 2 errors
error: context `banking`: is there twice, the first time as `Banking`
  help: join the two, or give one another name
error: context `a.b`: has a dot in its name
  help: take it out: a dot stands between a context and what is in it"
    );
}

#[test]
fn names_that_are_none() {
    says(
        "
    people:
      '?':
        issue: ['...', Open account]
      J. Doe:
        issue: [Open account]",
        "
error: context `banking`, person `?`: has no name
  help: write at least one letter or digit on it
error: context `banking`, person `J. Doe`: has a dot in its name
  help: take it out: a dot stands between a context and what is in it
error: context `banking`, person `?`: issues `...`, which is no name
  help: write at least one letter or digit, or take it out",
    );
}

#[test]
fn names_against_the_habit() {
    says(
        "
      Branch:
        handles: [Branch closed]
        emits: [Close branch]
    people:
      Boss: {issue: [Branch closed]}",
        "
hint: context `banking`, event `Close branch`: its name does not say that it has happened
  help: name what has happened, in the past tense: `Account opened`
hint: context `banking`, command `Branch closed`: its name says that it has happened already
  help: name what is wanted, as an order: `Open account`",
    );
}

#[test]
fn other_languages_have_other_habits() {
    let board = Board::new("Bank")
        .with(Person::new("Kundin").issues(["Konto eröffnen"]))
        .with(Aggregate::new("Konto").handles(["Konto eröffnen"]).emits(["Konto eröffnet"]));
    assert_eq!(board.validate().unwrap(), []);
}

#[test]
fn a_problem_says_how_bad_it_is_and_where() {
    let board = Board::new("Bank").context(BoundedContext::new("banking").with(Person::new("Clerk")));
    let advice = board.validate().unwrap();
    let [problem] = &*advice else { panic!("{advice:?}") };
    assert_eq!(problem.severity, Severity::Warning);
    let Place::Note(note) = &problem.place else { panic!("{problem:?}") };
    assert_eq!((note.context.as_ref().unwrap().as_str(), note.name.as_str()), ("banking", "Clerk"));
}
