//! How namespaces and patterns become subjects of NATS: injective, reversible, harmless.
//!
//! Each token of a namespace is a token of the subject. Bytes outside `[A-Za-z0-9_-]` are percent-encoded with upper-case
//! hex digits, and an empty token is `~`, which never comes out of that. So a namespace that is called `a.*` does not act
//! as a wildcard, and `a.b`, `a b` and `a_b` have different subjects.

use std::fmt::Write;

use aether_core::Namespace;

use crate::NamespacePattern;
use crate::pattern::Token;

const EMPTY: &str = "~";

/// The subject on which the events of a namespace are published.
pub(super) fn subject(prefix: &str, namespace: &Namespace) -> String {
    let mut out = prefix.to_owned();
    for token in namespace.as_str().split('.') {
        push(token, &mut out);
    }
    out
}

/// The subject to which a pattern subscribes.
pub(super) fn filter(prefix: &str, pattern: &NamespacePattern) -> String {
    let mut out = prefix.to_owned();
    if let Some(namespace) = pattern.namespace() {
        return subject(prefix, namespace);
    }
    if let Some((tokens, rest)) = pattern.wild() {
        for token in tokens {
            match token {
                Token::Any => out.push_str(".*"),
                Token::Literal(literal) => push(literal, &mut out),
            }
        }
        if rest {
            out.push_str(".>");
        }
    }
    out
}

fn push(token: &str, out: &mut String) {
    out.push('.');
    if token.is_empty() {
        out.push_str(EMPTY);
    }
    for byte in token.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The namespace whose subject this is; `None` if it is nobody's.
pub(super) fn namespace(prefix: &str, subject: &str) -> Option<Namespace> {
    let tokens = subject.strip_prefix(prefix)?.strip_prefix('.')?;
    let mut name = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.split('.').enumerate() {
        if index > 0 {
            name.push(b'.');
        }
        if token.is_empty() {
            return None;
        }
        if token != EMPTY {
            decode(token, &mut name)?;
        }
    }
    Namespace::new(String::from_utf8(name).ok()?).ok()
}

fn decode(token: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = token.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let byte = hex(bytes.next()?)? << 4 | hex(bytes.next()?)?;
                // There is one way to write everything; a dot is between tokens.
                if is_plain(byte) || byte == b'.' {
                    return None;
                }
                out.push(byte);
            }
            _ if is_plain(byte) => out.push(byte),
            _ => return None,
        }
    }
    Some(())
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ns(name: &str) -> Namespace {
        Namespace::new(name).unwrap()
    }

    #[test]
    fn names_of_the_same_look_have_different_subjects() {
        let of = |name: &str| subject("bus", &ns(name));
        assert_eq!(of("eu.tenant-7"), "bus.eu.tenant-7");
        assert_eq!(of("a.*"), "bus.a.%2A");
        assert_eq!(of("a b"), "bus.a%20b");
        assert_eq!(of("a..b"), "bus.a.~.b");
        assert_eq!(of("~"), "bus.%7E");
        assert_eq!(filter("bus", &"*.a b.>".parse().unwrap()), "bus.*.a%20b.>");
        assert_eq!(filter("bus", &NamespacePattern::exactly(&ns("a.>"))), "bus.a.%3E");
        assert_eq!(filter("bus", &NamespacePattern::all()), "bus.>");
    }

    proptest! {
        #[test]
        fn a_namespace_comes_back(name in "([ab.*> ~%é]|.){1,20}") {
            let encoded = subject("p.q", &ns(&name));
            prop_assert!(encoded.bytes().all(|b| is_plain(b) || b"%~.".contains(&b)));
            prop_assert!(encoded.split('.').all(|token| !token.is_empty()));
            prop_assert_eq!(namespace("p.q", &encoded), Some(ns(&name)));
        }

        #[test]
        fn what_decodes_encodes_to_the_same(text in "p\\.[A-Ca%2E07~_. *-]{0,8}") {
            if let Some(decoded) = namespace("p", &text) {
                prop_assert_eq!(subject("p", &decoded), text);
            }
        }
    }
}
