//! Patterns against a model of NATS' rules.

use proptest::prelude::*;

use super::*;

fn ns(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

fn parse(text: &str) -> NamespacePattern {
    text.parse().unwrap()
}

#[test]
fn wildcards_stand_for_tokens() {
    for (pattern, matching, other) in [
        ("a", vec!["a"], vec!["b", "a.b", "A", "a.", ".a"]),
        ("a.*", vec!["a.b", "a.*", "a.>", "a.", "a.b c"], vec!["a", "a.b.c", "b.a", "a..", "a b"]),
        ("*", vec!["a", "*", ">", " "], vec!["a.b", "."]),
        ("a.>", vec!["a.b", "a.b.c", "a.", "a..", "a.>"], vec!["a", "b.a", "ab.c"]),
        ("*.b.>", vec!["a.b.c", ".b.c.d"], vec!["a.b", "a.c.b"]),
        (">", vec!["a", ".", "a.b.c", "*", ">"], vec![]),
    ] {
        for name in matching {
            assert!(parse(pattern).matches(&ns(name)), "{pattern} matches {name:?}");
        }
        for name in other {
            assert!(!parse(pattern).matches(&ns(name)), "{pattern} does not match {name:?}");
        }
    }
    assert_eq!(parse(">"), NamespacePattern::all());
}

#[test]
fn what_is_no_pattern_is_told_why() {
    let parse = |text: &str| text.parse::<NamespacePattern>().unwrap_err();
    assert!(matches!(parse(""), InvalidPattern::Namespace(InvalidNamespace::Empty)));
    for text in ["a..b", ".a", "a.", "."] {
        assert!(matches!(parse(text), InvalidPattern::EmptyToken { .. }), "{text}");
    }
    for text in [">.a", "a.>.b", ">.>"] {
        assert!(matches!(parse(text), InvalidPattern::RestNotLast { .. }), "{text}");
    }
    for text in ["a*", "tenant-*", "a.b>", "**", ">>"] {
        assert!(matches!(parse(text), InvalidPattern::PartOfToken { .. }), "{text}");
    }
}

/// NATS' rules, said once more by recursion.
fn model(pattern: &[&str], subject: &[&str]) -> bool {
    match (pattern, subject) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        (["*", pattern @ ..], [_, subject @ ..]) => model(pattern, subject),
        ([token, pattern @ ..], [first, subject @ ..]) => token == first && model(pattern, subject),
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_match_as_in_nats(pattern in "(a|b|\\*)(\\.(a|b|\\*)){0,3}(\\.>)?", name in "[ab*>.]{1,6}") {
        let tokens: Vec<&str> = pattern.split('.').collect();
        let subject: Vec<&str> = name.split('.').collect();
        // A namespace that is literally `*` or `>` has an ordinary token there, which no literal of these patterns is.
        prop_assert_eq!(parse(&pattern).matches(&ns(&name)), model(&tokens, &subject));
    }

    #[test]
    fn a_literal_pattern_matches_its_own_name_alone(one in ".{1,20}", other in ".{1,20}") {
        let exact = NamespacePattern::exactly(&ns(&one));
        prop_assert!(exact.matches(&ns(&one)));
        prop_assert_eq!(exact.matches(&ns(&other)), one == other);
    }

    #[test]
    fn a_pattern_is_read_back_from_its_text(text in "[ab*>.]{1,6}") {
        if let Ok(pattern) = text.parse::<NamespacePattern>() {
            prop_assert_eq!(pattern.to_string(), text);
        }
    }
}
