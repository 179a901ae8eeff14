//! What `docs/eventstorming.md` shows of boards is true: its YAML can be read, and its drawing is the bank's.

use aether_model::Board;

const DOCS: &str = include_str!("../../../../docs/eventstorming.md");
const BANK: &str = include_str!("../bank.yaml");

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    DOCS.split(&*begin).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

#[test]
fn every_board_can_be_read() {
    let boards = blocks("yaml");
    assert!(boards.len() >= 3);
    for yaml in boards {
        Board::from_yaml(yaml).unwrap();
    }
}

#[test]
fn the_bank_is_shown_as_it_is() {
    assert!(
        blocks("yaml").contains(&BANK),
        "docs/eventstorming.md must have a block with all of tests/bank.yaml"
    );
    let board = Board::from_yaml(BANK).unwrap();
    assert_eq!(board.validate().unwrap(), [], "there is nothing to be said against it");
}

#[test]
fn the_bank_is_drawn_as_it_is() {
    let drawing = Board::from_yaml(BANK).unwrap().to_mermaid();
    assert!(
        blocks("mermaid").contains(&&*drawing),
        "docs/eventstorming.md must have a block `mermaid` with\n{drawing}"
    );
}
