//! [`Key`]: the name of a value, and of a topic of signals.

use std::fmt;

/// Tokens joined by dots. A key is below another one if its tokens begin with all of that one's.
///
/// ```
/// use aether_coordination::Key;
///
/// let partitions = Key::root("mailer").child("partition");
/// let seventh = partitions.child("7");
/// assert_eq!(seventh.to_string(), "mailer.partition.7");
/// assert!(seventh.is_below(&partitions));
/// assert_eq!(seventh.last(), "7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// A key of one token. Any text will do: what a key cannot hold is encoded, and different texts make different keys.
    #[must_use]
    pub fn root(token: &str) -> Self {
        let mut key = String::with_capacity(token.len());
        encode(token, &mut key);
        Self(key)
    }

    /// The key with one more token, of any text.
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        let mut key = String::with_capacity(self.0.len() + 1 + token.len());
        key.push_str(&self.0);
        key.push('.');
        encode(token, &mut key);
        Self(key)
    }

    /// For implementations: a key in its encoded form.
    ///
    /// # Errors
    /// [`InvalidKey`] if no key is written so.
    pub fn parse(encoded: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey { text: encoded.to_owned() };
        let mut key = String::with_capacity(encoded.len());
        for token in encoded.split('.') {
            if !key.is_empty() {
                key.push('.');
            }
            encode(&decode(token).ok_or_else(invalid)?, &mut key);
        }
        if key == encoded { Ok(Self(key)) } else { Err(invalid()) }
    }

    /// The last token, decoded.
    #[must_use]
    pub fn last(&self) -> String {
        let token = self.0.rsplit('.').next().unwrap_or_default();
        decode(token).unwrap_or_default()
    }

    /// Whether it has all of `prefix`'s tokens, and more.
    #[must_use]
    pub fn is_below(&self, prefix: &Self) -> bool {
        self.0.strip_prefix(&prefix.0).is_some_and(|rest| rest.starts_with('.'))
    }

    /// The encoded form: tokens of `[A-Za-z0-9_-]` and `=` escapes, joined by dots.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is not the encoded form of a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a key: expected tokens of letters, digits, dashes, underscores and =XX escapes, joined by dots"
)]
pub struct InvalidKey {
    text: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every byte outside `[A-Za-z0-9_-]` becomes `=` and two upper-case hexadecimal digits; the empty text a lone `=`.
fn encode(token: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if token.is_empty() {
        out.push('=');
    }
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            out.push(char::from(byte));
        } else {
            out.push('=');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn decode(token: &str) -> Option<String> {
    if token == "=" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_texts_make_different_keys_that_are_read_back() {
        for text in ["", "a", "a.b", "=", "=2E", "ä ö", "*", ">", "%41", "order-1"] {
            let key = Key::root("r").child(text);
            assert_eq!(key.last(), text);
            assert_eq!(Key::parse(key.as_str()), Ok(key));
        }
        for no_key in ["", ".", "a..b", "a=2", "a=2e", "ä"] {
            assert!(Key::parse(no_key).is_err(), "{no_key:?}");
        }
    }

    #[test]
    fn below_means_by_tokens() {
        let group = Key::root("a");
        assert!(group.child("b").is_below(&group));
        assert!(!Key::root("ab").is_below(&group) && !group.is_below(&group));
    }
}
