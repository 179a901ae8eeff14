//! Boards as Mermaid flowcharts.

use aether_model::Board;

/// The drawing without its styles, which are the same for all boards.
fn drawing(yaml: &str) -> String {
    let drawing = Board::from_yaml(yaml).unwrap().to_mermaid();
    assert!(drawing.starts_with("flowchart LR\n  classDef event fill:"), "{drawing}");
    drawing
        .lines()
        .filter(|line| !line.starts_with("  classDef"))
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn every_kind_has_its_colour_and_its_arrows() {
    let drawn = drawing(
        "
board: Bank
people:
  Customer:
    issue: [Open]
    look_at: [Balances]
contexts:
  banking:
    aggregates:
      Account: {handles: [Open, Add interest], emits: [Opened]}
    policies:
      Interest: {when: [Opened], look_at: [Balances], after: a day, then: [Add interest]}
      Letters: {when: [Opened], then: [Send], emits: [Letter ordered]}
    read_models:
      Balances: {from: [Opened]}
    external_systems:
      Post: {receives: [Send]}
    hot_spots:
      - {text: Why?, about: [Interest]}
",
    );
    assert_eq!(
        drawn,
        r#"  person__Customer(["Customer"]):::person
  subgraph context__banking["banking"]
    event__banking__Opened["Opened"]:::event
    event__banking__Letter_20zordered["Letter ordered"]:::event
    command__banking__Open["Open"]:::command
    command__banking__Add_20zinterest["Add interest"]:::command
    command__banking__Send["Send"]:::command
    aggregate__banking__Account["Account"]:::aggregate
    policy__banking__Interest["Interest"]:::policy
    policy__banking__Letters["Letters"]:::policy
    read_model__banking__Balances["Balances"]:::read_model
    external_system__banking__Post["Post"]:::external_system
    hot_spot__banking__Why_3fz["Why?"]:::hot_spot
  end
  person__Customer --> command__banking__Open
  read_model__banking__Balances -.-> person__Customer
  command__banking__Open --> aggregate__banking__Account
  command__banking__Add_20zinterest --> aggregate__banking__Account
  aggregate__banking__Account --> event__banking__Opened
  event__banking__Opened --> policy__banking__Interest
  read_model__banking__Balances -.-> policy__banking__Interest
  policy__banking__Interest -->|"after a day"| command__banking__Add_20zinterest
  event__banking__Opened --> policy__banking__Letters
  policy__banking__Letters --> command__banking__Send
  policy__banking__Letters --> event__banking__Letter_20zordered
  event__banking__Opened --> read_model__banking__Balances
  command__banking__Send --> external_system__banking__Post
  hot_spot__banking__Why_3fz -.-> policy__banking__Interest
"#
    );
}

#[test]
fn what_is_not_on_the_board_yet_is_drawn_with_a_dashed_border() {
    let drawn = drawing(
        "
board: Bank
people:
  Customer:
    issue: [Open, lending.Lend]
",
    );
    assert_eq!(
        drawn,
        r#"  person__Customer(["Customer"]):::person
  command__Open["Open"]:::command
  class command__Open missing
  subgraph context__lending["lending"]
    command__lending__Lend["Lend"]:::command
    class command__lending__Lend missing
  end
  person__Customer --> command__Open
  person__Customer --> command__lending__Lend
"#
    );
}

#[test]
fn spellings_of_one_name_are_one_note() {
    let drawn = drawing(
        "
board: Bank
events:
  Account opened: The first event of an account.
aggregates:
  Account:
    emits: AccountOpened
read_models:
  Balances:
    from: [account-opened, ACCOUNT_OPENED]
",
    );
    assert_eq!(
        drawn,
        r#"  event__Account_20zopened["Account opened"]:::event
  aggregate__Account["Account"]:::aggregate
  read_model__Balances["Balances"]:::read_model
  aggregate__Account --> event__Account_20zopened
  event__Account_20zopened --> read_model__Balances
"#
    );
}

#[test]
fn names_are_shown_as_they_are() {
    let drawn = drawing(
        r#"
board: Bank
contexts:
  'a "b"':
    events: ['end', '"quoted" #1', '<b>bold</b>', '`code`']
"#,
    );
    assert_eq!(
        drawn,
        r##"  subgraph context__a_20z_22zb_22z["a #34;b#34;"]
    event__a_20z_22zb_22z__end["end"]:::event
    event__a_20z_22zb_22z___22zquoted_22z_20z_23z1["#34;quoted#34; #35;1"]:::event
    event__a_20z_22zb_22z___3czb_3ezbold_3cz_2fzb_3ez["#60;b#62;bold#60;/b#62;"]:::event
    event__a_20z_22zb_22z___60zcode_60z["#96;code#96;"]:::event
  end
"##
    );
}
