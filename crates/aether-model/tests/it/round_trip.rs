//! Any board comes back from YAML and JSON as it was.

use aether_model::{
    Aggregate, Board, BoundedContext, Command, DomainEvent, Element, ExternalSystem, HotSpot, Person, Policy,
    ReadModel,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

/// Words, and what gets into names by hand and by accident: signs of YAML, words that look like values, other scripts.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Z][a-z]{1,6}( [a-z]{1,6}){0,2}",
        2 => "[a-zA-Z0-9 .:,#&*!|>'\"%@`{}\\[\\]?_-]{0,12}",
        1 => "\\PC{0,8}",
        1 => proptest::sample::select(vec![
            "yes", "no", "on", "null", "~", "true", "1", "1.50", "0x1F", "- a", "a: b", "# a", "", " ", " a ", "a\nb", "a\n",
            "'", "\"", "---", "...", "<<", "=", "\t", "2024-01-01", ".inf", "? a", "\u{feff}", "a\u{85}b", "é\u{301}",
        ]).prop_map(str::to_owned),
    ]
}

fn list() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

/// Names of one kind. Maps have each key once, so two of one name cannot be written as YAML.
fn names() -> impl Strategy<Value = Vec<String>> {
    btree_set(text(), 0..3).prop_map(|names| names.into_iter().collect())
}

fn elements() -> impl Strategy<Value = Vec<Element>> {
    let said = || (option::of(text()), list(), list(), list());
    let kinds = vec((names(), vec(said(), 3)), 8);
    kinds.prop_map(|kinds| {
        let mut elements = Vec::new();
        for (kind, (names, said)) in kinds.into_iter().enumerate() {
            for (name, (notes, a, b, c)) in names.into_iter().zip(said) {
                elements.push(element(kind, name, notes, a, b, c));
            }
        }
        elements
    })
}

fn element(
    kind: usize,
    name: String,
    notes: Option<String>,
    a: Vec<String>,
    b: Vec<String>,
    c: Vec<String>,
) -> Element {
    /// With notes, if there are some.
    macro_rules! noted {
        ($element:expr) => {{
            let mut element = $element;
            element.notes = notes;
            element.into()
        }};
    }
    match kind {
        0 => {
            let fields: std::collections::BTreeSet<_> = a.into_iter().collect();
            noted!(
                fields.into_iter().fold(DomainEvent::new(name), |event, field| event.field(field, "cents"))
            )
        }
        1 => noted!(Command::new(name)),
        2 => noted!(Person::new(name).issues(a).looks_at(b)),
        3 => noted!(Aggregate::new(name).handles(a).emits(b).answers(c)),
        4 => {
            let policy = Policy::new(name).when(a).then(b).looks_at(c.clone()).emits(c.clone());
            noted!(c.into_iter().fold(policy, Policy::after))
        }
        5 => noted!(ReadModel::new(name).from_events(a)),
        6 => noted!(ExternalSystem::new(name).receives(a).emits(b)),
        _ => HotSpot::new(name).about(a).into(),
    }
}

fn board() -> impl Strategy<Value = Board> {
    let context = (names(), vec((option::of(text()), elements()), 3));
    (text(), option::of(text()), elements(), context).prop_map(
        |(name, description, outside, (names, contexts))| {
            let mut board = outside.into_iter().fold(Board::new(name), Board::with);
            board.description = description;
            for (name, (description, elements)) in names.into_iter().zip(contexts) {
                let mut context = elements.into_iter().fold(BoundedContext::new(name), BoundedContext::with);
                context.description = description;
                board = board.context(context);
            }
            board
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn boards_come_back_from_json(board in board()) {
        prop_assert_eq!(Board::from_json(&board.to_json().unwrap()).unwrap(), board);
    }

    #[test]
    fn boards_come_back_from_yaml(board in board()) {
        let yaml = board.to_yaml().unwrap();
        let read = Board::from_yaml(&yaml);
        prop_assert!(read.is_ok(), "{}\n{}", yaml, read.unwrap_err());
        prop_assert_eq!(read.unwrap(), board, "{}", yaml);
    }

    #[test]
    fn whatever_is_on_a_board_it_is_validated_and_drawn(board in board()) {
        let _ = board.problems();
        let drawing = board.to_mermaid();
        prop_assert_eq!(&drawing, &board.clone().to_mermaid());
        prop_assert!(drawing.lines().all(|line| line.matches('"').count() % 2 == 0), "{}", drawing);
    }
}
