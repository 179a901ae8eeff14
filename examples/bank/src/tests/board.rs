//! The bank's board is right, says what the code does, and is drawn as it is.

use aether::actor::{describe, describe_process};
use aether::model::{Board, Component};

use crate::account::Account;
use crate::transfers::Transfers;

const BOARD: &str = include_str!("../../board.yaml");
/// Has the drawing in the README written anew.
const WRITE: &str = "AETHER_WRITE_BOARD";

fn board() -> Board {
    Board::from_yaml(BOARD).unwrap()
}

/// What the code says of itself.
fn components() -> Vec<Component> {
    vec![
        describe::<Account>().schedules(["UnfreezeAccount"]),
        describe_process::<Transfers>(),
        Component::read_model("balances").from_events([
            "AccountOpened",
            "Deposited",
            "Withdrawn",
            "Debited",
            "Credited",
            "Refunded",
            "AccountFrozen",
            "AccountUnfrozen",
        ]),
        Component::read_model("outcomes").from_events([
            "TransferStarted",
            "TransferCompleted",
            "TransferRefused",
            "TransferReturned",
        ]),
    ]
}

#[test]
fn the_board_is_valid() {
    assert_eq!(board().validate().unwrap(), [], "neither warnings nor hints");
}

#[test]
fn the_board_says_what_the_code_does() {
    board().check(&components()).unwrap();
}

#[test]
fn an_event_that_the_board_lacks_is_named() {
    let board = Board::from_yaml(&BOARD.replace("          - Debited\n", "")).unwrap();
    let mismatches = board.check(&components()).unwrap_err().to_string();
    assert!(
        mismatches.contains(
            "the code says that aggregate `Account` emits `Debited`, the board's context `banking` does not"
        ),
        "{mismatches}"
    );
    assert!(
        mismatches.contains("list it under `emits` on the board, or take it from the code"),
        "{mismatches}"
    );
}

#[test]
fn an_event_that_the_code_lacks_is_named() {
    let mut components = components();
    for component in &mut components {
        component.emits.retain(|event| event.as_str() != "TransferBounced");
    }
    let mismatches = board().check(&components).unwrap_err().to_string();
    assert_eq!(
        mismatches,
        "board and code differ in 1 place
the board's context `banking` says that policy `Transfers` emits `Transfer bounced`, the code has no such event
  help: add it to the enum of its events, or take it from the board"
    );
}

#[test]
fn the_drawing_in_the_readme_is_the_boards() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("```mermaid\n").unwrap();
    let (drawing, after) = rest.split_once("```\n").unwrap();
    let expected = board().to_mermaid();
    if std::env::var_os(WRITE).is_some_and(|value| value == "1") {
        std::fs::write(path, format!("{before}```mermaid\n{expected}```\n{after}")).unwrap();
    } else {
        assert!(drawing == expected, "the drawing is not the board's: run this test with {WRITE}=1");
    }
}
