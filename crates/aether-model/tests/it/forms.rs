//! What boards look like in YAML and JSON, and what is said of texts that are none.

use aether_model::{
    Aggregate, Board, BoundedContext, Command, DomainEvent, ExternalSystem, HotSpot, Person, Policy,
    ReadModel,
};

/// A board with one of everything.
fn board() -> Board {
    Board::new("Bank")
        .description("Who has how much.")
        .with(Person::new("Customer").issues(["Open account"]).looks_at(["Balances"]))
        .with(DomainEvent::new("Money lent"))
        .with(DomainEvent::new("Money paid back"))
        .with(ExternalSystem::new("Post").receives(["Send letter"]).notes("Takes two days."))
        .context(
            BoundedContext::new("banking")
                .description("Accounts.")
                .with(DomainEvent::new("Account opened").field("owner", "text"))
                .with(Command::new("Open account").notes("Only in a branch."))
                .with(
                    Aggregate::new("Account")
                        .handles(["Open account", "Add interest"])
                        .emits(["Account opened", "Interest added"])
                        .answers(["Balance"]),
                )
                .with(Policy::new("Welcome").when(["Account opened"]).then(["Send letter"]))
                .with(Policy::new("Interest").when(["Account opened"]).after("a day").then(["Add interest"]))
                .with(ReadModel::new("Balances").from_events(["Account opened", "Interest added"]))
                .with(HotSpot::new("Who opens accounts for children?").about(["Open account", "Account"]))
                .with(HotSpot::new("What of joint accounts?")),
        )
}

const YAML: &str = "\
board: Bank
description: Who has how much.
events:
- Money lent
- Money paid back
people:
  Customer:
    issue:
    - Open account
    look_at:
    - Balances
external_systems:
  Post:
    notes: Takes two days.
    receives:
    - Send letter
contexts:
  banking:
    description: Accounts.
    events:
      Account opened:
        fields:
          owner: text
    commands:
      Open account: Only in a branch.
    aggregates:
      Account:
        handles:
        - Open account
        - Add interest
        emits:
        - Account opened
        - Interest added
        answers:
        - Balance
    policies:
      Welcome:
        when:
        - Account opened
        then:
        - Send letter
      Interest:
        when:
        - Account opened
        after: a day
        then:
        - Add interest
    read_models:
      Balances:
        from:
        - Account opened
        - Interest added
    hot_spots:
    - text: Who opens accounts for children?
      about:
      - Open account
      - Account
    - text: What of joint accounts?
";

#[test]
fn a_board_in_yaml() {
    assert_eq!(board().to_yaml().unwrap(), YAML);
    assert_eq!(Board::from_yaml(YAML).unwrap(), board());
}

#[test]
fn a_board_in_json() {
    let board = Board::new("Bank").with(Person::new("Customer").issues(["Open account"])).context(
        BoundedContext::new("banking")
            .with(DomainEvent::new("Account opened").notes("The first."))
            .with(Aggregate::new("Account").handles(["Open account"]).emits(["Account opened"])),
    );
    let json = r#"{
  "board": "Bank",
  "people": {
    "Customer": {
      "issue": [
        "Open account"
      ]
    }
  },
  "contexts": {
    "banking": {
      "events": {
        "Account opened": "The first."
      },
      "aggregates": {
        "Account": {
          "handles": [
            "Open account"
          ],
          "emits": [
            "Account opened"
          ]
        }
      }
    }
  }
}"#;
    assert_eq!(board.to_json().unwrap(), json);
    assert_eq!(Board::from_json(json).unwrap(), board);
}

#[test]
fn what_a_hand_writes_is_understood() {
    let written = Board::from_yaml(
        "
# A list of names, where there is nothing else to say.
board: Bank
people: [Customer, Clerk]
events:
  Account opened:
  Account closed: Nobody knows yet who may do that.
  Interest added: {fields: [cents, day]}
aggregates:
  Account:
    # One entry need not be a list, and a list may be left blank.
    handles: Open account
    emits:
read_models: Balances
hot_spots:
  - Who may close an account?
contexts:
",
    )
    .unwrap();
    let mut interest = DomainEvent::new("Interest added").field("cents", "").field("day", "");
    interest.fields.iter_mut().for_each(|field| field.of = None);
    let built = Board::new("Bank")
        .with(Person::new("Customer"))
        .with(Person::new("Clerk"))
        .with(DomainEvent::new("Account opened"))
        .with(DomainEvent::new("Account closed").notes("Nobody knows yet who may do that."))
        .with(interest)
        .with(Aggregate::new("Account").handles(["Open account"]))
        .with(ReadModel::new("Balances"))
        .with(HotSpot::new("Who may close an account?"));
    assert_eq!(written, built);
}

#[test]
fn yes_and_numbers_are_names() {
    let written = Board::from_yaml("board: 24\nevents: [yes, off, 7, 1.50]\nhot_spots: [no]").unwrap();
    let mut built = Board::new("24").with(HotSpot::new("no"));
    for name in ["yes", "off", "7", "1.50"] {
        built = built.with(DomainEvent::new(name));
    }
    assert_eq!(written, built);
}

#[track_caller]
fn refused(yaml: &str, says: &str) {
    let error = Board::from_yaml(yaml).unwrap_err();
    assert!(error.is_read());
    let said = error.to_string();
    assert_eq!(
        said.lines().next().unwrap(),
        format!("this is not a board in YAML: {says}"),
        "all of it:\n{said}"
    );
}

#[test]
fn what_is_no_board_is_refused_with_its_line() {
    refused("people: []", "error: line 1 column 1: missing field `board`");
    refused(
        "board: B\naggregates:\n  Account:\n    handlez: [Open]\n",
        "error: line 4 column 5: unknown field `handlez`, expected one of notes, handles, emits, answers",
    );
    refused(
        "board: B\ncontexts:\n  banking:\n    contexts:\n",
        "error: line 4 column 5: unknown field `contexts`, expected one of description, events, commands, people, \
         aggregates, policies, read_models, external_systems, hot_spots",
    );
    refused(
        "board: B\naggregatez: []",
        "error: line 2 column 1: unknown field `aggregatez`, expected one of board, description, events, commands, \
         people, aggregates, policies, read_models, external_systems, hot_spots, contexts",
    );
    refused(
        "board: B\naggregates:\n  Account:\n    handles: 5\n",
        "error: line 4 column 5: invalid type: integer `5`, expected a list, or its only entry",
    );
    refused("board: B\nhot_spots:\n- about: Account\n", "error: line 3 column 3: missing field `text`");
    refused(
        "board: B\npeople:\n  Clerk:\n  Clerk:\n",
        "error: line 4 column 3: duplicate mapping key: Clerk, set DuplicateKeyPolicy in Options if acceptable",
    );
    refused("- board", "error: line 1 column 1: expected mapping start");
}

#[test]
fn json_is_refused_with_its_line_too() {
    let error = Board::from_json("{\n  \"board\": \"B\",\n  \"persons\": []\n}").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("this is not a board in JSON: unknown field `persons`, expected one of")
    );
    assert!(error.to_string().ends_with("at line 3 column 11"), "{error}");
    let twice = Board::from_json(r#"{"board": "B", "events": ["a"], "events": ["b"]}"#).unwrap_err();
    assert!(twice.to_string().contains("`events` is there twice: join the two"), "{twice}");
}

#[test]
fn two_of_one_name_are_for_validation_to_say() {
    let json = r#"{"board": "B", "people": {"Clerk": {"issue": "Open"}, "Clerk": {"issue": "Close"}}}"#;
    let board = Board::from_json(json).unwrap();
    assert_eq!(board.elements.people.len(), 2);
    assert!(board.validate().unwrap_err().to_string().contains("person `Clerk`: is there twice"));
}
