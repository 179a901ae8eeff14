//! [`NamespacePattern`]: which namespaces a subscriber listens to.

use std::fmt;
use std::str::FromStr;

use aether_core::{InvalidNamespace, Namespace};

/// A pattern of namespaces, by NATS' rules for wildcards.
///
/// A namespace is a text of tokens between dots: `eu.tenant-7` has two, `tenant-7` one, `a..b` three of which one is
/// empty. In a pattern `*` stands for exactly one token, whatever it is, and `>` at the end for one or more.
///
/// A namespace itself is always literal. One that is called `a.*` is a name of two tokens, the second of which is an
/// asterisk; it is matched by itself ([`exactly`](Self::exactly)) and by the patterns `a.*`, `*.*`, `a.>` and so on, and
/// it matches nothing.
///
/// ```
/// use aether_bus::NamespacePattern;
/// use aether_core::Namespace;
///
/// let europe: NamespacePattern = "eu.*".parse()?;
/// assert!(europe.matches(&Namespace::new("eu.tenant-7")?));
/// assert!(!europe.matches(&Namespace::new("eu.tenant-7.test")?));
///
/// let odd = Namespace::new("eu.*")?;
/// assert!(europe.matches(&odd));
/// assert!(!NamespacePattern::exactly(&odd).matches(&Namespace::new("eu.tenant-7")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NamespacePattern(Kind);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Exact(Namespace),
    Wild { tokens: Box<[Token]>, rest: bool },
}

/// One token of a pattern, but for a `>` at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    Any,
    Literal(Box<str>),
}

impl NamespacePattern {
    /// Every namespace: the pattern `>`.
    #[must_use]
    pub fn all() -> Self {
        Self(Kind::Wild { tokens: Box::default(), rest: true })
    }

    /// One namespace, whatever characters it has.
    #[must_use]
    pub fn exactly(namespace: &Namespace) -> Self {
        Self(Kind::Exact(namespace.clone()))
    }

    /// Returns whether the pattern matches the namespace.
    #[must_use]
    pub fn matches(&self, namespace: &Namespace) -> bool {
        let (tokens, rest) = match &self.0 {
            Kind::Exact(one) => return one == namespace,
            Kind::Wild { tokens, rest } => (tokens, *rest),
        };
        let mut theirs = namespace.as_str().split('.');
        let all_match = tokens.iter().all(|token| match (token, theirs.next()) {
            (_, None) => false,
            (Token::Any, Some(_)) => true,
            (Token::Literal(literal), Some(theirs)) => **literal == *theirs,
        });
        all_match && theirs.next().is_some() == rest
    }

    /// The namespace, if it is one alone.
    #[must_use]
    pub fn namespace(&self) -> Option<&Namespace> {
        match &self.0 {
            Kind::Exact(namespace) => Some(namespace),
            Kind::Wild { .. } => None,
        }
    }

    /// The tokens of a pattern with wildcards, and whether more follow.
    #[cfg(feature = "nats")]
    pub(crate) fn wild(&self) -> Option<(&[Token], bool)> {
        match &self.0 {
            Kind::Exact(_) => None,
            Kind::Wild { tokens, rest } => Some((tokens, *rest)),
        }
    }
}

impl From<&Namespace> for NamespacePattern {
    fn from(namespace: &Namespace) -> Self {
        Self::exactly(namespace)
    }
}

impl From<Namespace> for NamespacePattern {
    fn from(namespace: Namespace) -> Self {
        Self(Kind::Exact(namespace))
    }
}

impl FromStr for NamespacePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let namespace = Namespace::new(text)?;
        let pattern = || text.to_owned();
        let mut tokens = Vec::new();
        let mut rest = false;
        for token in text.split('.') {
            if rest {
                return Err(InvalidPattern::RestNotLast { pattern: pattern() });
            }
            match token {
                "" => return Err(InvalidPattern::EmptyToken { pattern: pattern() }),
                "*" => tokens.push(Token::Any),
                ">" => rest = true,
                literal if literal.contains(['*', '>']) => {
                    return Err(InvalidPattern::PartOfToken {
                        pattern: pattern(),
                        token: literal.to_owned(),
                    });
                }
                literal => tokens.push(Token::Literal(literal.into())),
            }
        }
        if !rest && !tokens.contains(&Token::Any) {
            return Ok(Self(Kind::Exact(namespace)));
        }
        Ok(Self(Kind::Wild { tokens: tokens.into(), rest }))
    }
}

impl fmt::Display for NamespacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, rest) = match &self.0 {
            Kind::Exact(namespace) => return namespace.fmt(f),
            Kind::Wild { tokens, rest } => (tokens, *rest),
        };
        let texts = tokens.iter().map(|token| match token {
            Token::Any => "*",
            Token::Literal(literal) => literal,
        });
        for (index, text) in texts.chain(rest.then_some(">")).enumerate() {
            write!(f, "{}{text}", if index == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl fmt::Debug for NamespacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.namespace().is_some() { "exactly" } else { "pattern" };
        write!(f, "{kind} {:?}", self.to_string())
    }
}

/// The reason why a text is not a [`NamespacePattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPattern {
    /// A text with no characters, or too many.
    #[error(transparent)]
    Namespace(#[from] InvalidNamespace),
    /// An empty token before, between or after the dots.
    #[error(
        "the pattern {pattern:?} has an empty token; use `*` for any token, or NamespacePattern::exactly for a namespace of that name"
    )]
    EmptyToken {
        /// The text.
        pattern: String,
    },
    /// Something follows a `>`.
    #[error(
        "in the pattern {pattern:?} something follows `>`; it stands for all that follows, so put it last"
    )]
    RestNotLast {
        /// The text.
        pattern: String,
    },
    /// A wildcard is only a part of a token.
    #[error(
        "in the pattern {pattern:?} the token {token:?} has a wildcard that is not alone; a wildcard stands for whole tokens between dots; use NamespacePattern::exactly for a namespace of that name"
    )]
    PartOfToken {
        /// The text.
        pattern: String,
        /// The token.
        token: String,
    },
}

#[cfg(test)]
mod tests {
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
}
