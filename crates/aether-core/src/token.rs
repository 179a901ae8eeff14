//! How one part of an actor id becomes one token of a NATS subject: injective, reversible, harmless.
//!
//! Bytes outside `[A-Za-z0-9_-]` are percent-encoded with upper-case hex digits. `~` never comes out of
//! that, so it marks what has no characters of its own: `~` an empty part, `~~` a part that is not there.

use std::fmt::Write;

/// The token of an empty part.
const EMPTY: &str = "~";
/// The token of a part that is absent (an actor id without a `-` has no key).
const ABSENT: &str = "~~";

/// Appends the token of `part` to `out`.
pub(crate) fn encode_into(part: Option<&str>, out: &mut String) {
    match part {
        None => out.push_str(ABSENT),
        Some("") => out.push_str(EMPTY),
        Some(text) => {
            for byte in text.bytes() {
                if is_plain(byte) {
                    out.push(char::from(byte));
                } else {
                    // Writing to a `String` cannot fail.
                    let _ = write!(out, "%{byte:02X}");
                }
            }
        }
    }
}

/// How long the token of `part` is, in bytes.
pub(crate) fn encoded_len(part: Option<&str>) -> usize {
    match part {
        None => ABSENT.len(),
        Some("") => EMPTY.len(),
        Some(text) => text.bytes().map(|byte| if is_plain(byte) { 1 } else { 3 }).sum(),
    }
}

/// Whether the byte stands for itself in a token.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// What [`encode_into`] made the token from; `None` for a text that it never makes.
#[expect(clippy::option_option, reason = "an absent part and a text that is no token are different answers")]
pub(crate) fn decode(token: &str) -> Option<Option<String>> {
    match token {
        ABSENT => return Some(None),
        EMPTY => return Some(Some(String::new())),
        "" => return None,
        _ => {}
    }
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let decoded = hex(rest.next()?)? << 4 | hex(rest.next()?)?;
                if is_plain(decoded) {
                    return None;
                }
                bytes.push(decoded);
            }
            _ if is_plain(byte) => bytes.push(byte),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok().map(Some)
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
    use super::*;
    use proptest::prelude::*;

    fn encode(part: Option<&str>) -> String {
        let mut out = String::new();
        encode_into(part, &mut out);
        out
    }

    proptest! {
        #[test]
        fn a_token_comes_back_as_what_it_was(part in proptest::option::of(".*")) {
            let token = encode(part.as_deref());
            prop_assert_eq!(encoded_len(part.as_deref()), token.len());
            prop_assert_eq!(decode(&token), Some(part));
        }

        #[test]
        fn a_token_has_only_harmless_characters(part in ".*") {
            let token = encode(Some(&part));
            prop_assert!(!token.is_empty());
            prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-%~".contains(&b)));
        }

        #[test]
        fn whatever_decodes_encodes_to_the_same_token(token in "[A-Za-z0-9_%~ .*-]{0,8}") {
            if let Some(part) = decode(&token) {
                prop_assert_eq!(encode(part.as_deref()), token);
            }
        }
    }
}
