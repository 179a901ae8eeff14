//! [`scan`]: the quick way through a CloudEvent as this codec writes it, and [`Text`], a string of a JSON document.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::cloudevents::CloudEvent;

/// A string that borrows from the document if it has no escapes. (serde's own `Cow` copies inside of an `Option`.)
#[derive(Debug)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// Reads an object of plain strings and, at its end, `data`: some times as fast as serde does. `None` if there is anything
/// else in it, or something that may be wrong: serde has the word then.
pub(super) fn scan(text: &str) -> Option<CloudEvent<'_>> {
    let mut event = CloudEvent::default();
    let mut rest = text.strip_prefix('{')?;
    loop {
        let (name, after) = string(rest)?;
        rest = after.strip_prefix(':')?;
        if name == "data" {
            // If anything follows the data, this is no single value.
            let data: &RawValue = serde_json::from_str(rest.strip_suffix('}')?).ok()?;
            event.data = Some(data);
            return Some(event);
        }
        let (value, after) = string(rest)?;
        let twice = event.attribute(name)?.replace(Text::of(value));
        if twice.is_some() {
            return None;
        }
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (after == "}").then_some(event),
        }
    }
}

/// The string without escapes at the beginning of `text`, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let end = special(text.as_bytes())?;
    (text.as_bytes()[end] == b'"').then(|| (&text[..end], &text[end + 1..]))
}

/// Where the first quote, backslash or control character is. Looks at eight bytes at a time.
fn special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A borrow can only make a wrong mark behind a right one.
        let marks = (below(word, 0x20) | equal(word, b'"') | equal(word, b'\\')) & HIGH;
        if marks != 0 {
            return Some(index * 8 + (marks.trailing_zeros() / 8) as usize);
        }
    }
    let in_rest = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    in_rest.map(|at| bytes.len() - rest.len() + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What serde makes of it, but for the source, which it does not keep.
    fn by_serde(text: &str) -> Option<String> {
        serde_json::from_str::<CloudEvent<'_>>(text).ok().map(|event| format!("{event:?}"))
    }

    fn by_scan(text: &str) -> Option<String> {
        let mut event = scan(text)?;
        event.attribute("source").map(Option::take);
        Some(format!("{event:?}"))
    }

    #[test]
    fn only_plain_events_are_scanned() {
        let plain = r#"{"specversion":"1.0","id":"a","source":"s","data":{"a":[1,"}"]}}"#;
        assert!(by_scan(plain).is_some());
        assert_eq!(by_scan(plain), by_serde(plain));
        assert!(by_scan(r#"{"id":"a"}"#).is_some());
        for other in [
            r#"{"id":"a\n"}"#,
            r#"{"id":"a","id":"b"}"#,
            r#"{"id":1}"#,
            r#"{"data":1,"id":"a"}"#,
            r#"{"data":1}}"#,
            r#"{"data":}"#,
            r#"{"else":"a"}"#,
            r#"{"id":"a"} "#,
            r#"{"id": "a"}"#,
            r#"{"id":"a",}"#,
            "{\"id\":\"a\tb\"}",
            "{}",
            "{",
            "",
        ] {
            assert_eq!(by_scan(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn special_bytes_are_found(bytes in proptest::collection::vec(prop_oneof![9 => any::<u8>(), 1 => Just(b'"')], 0..40)) {
            let found = bytes.iter().position(|byte| *byte == b'"' || *byte == b'\\' || *byte < 0x20);
            prop_assert_eq!(special(&bytes), found);
        }

        #[test]
        fn whatever_is_scanned_is_what_serde_reads(
            text in r#"\{("(id|type|data|version|links|x)":("[a-z\\" {}]{0,3}"|[0-9]|null|\{\}),?){0,4}\}{0,2}"#
        ) {
            if let Some(scanned) = by_scan(&text) {
                prop_assert_eq!(Some(scanned), by_serde(&text));
            }
        }
    }
}
