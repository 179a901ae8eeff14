//! [`scan`]: the quick way through a CloudEvent as this codec writes it.

use serde_json::value::RawValue;

use super::cloudevents::CloudEvent;
use super::text::Text;

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
    let (string, rest) = text.strip_prefix('"')?.split_once('"')?;
    // Without an early end, so that many bytes are looked at at a time.
    let odd = string.bytes().fold(false, |odd, byte| odd | (byte == b'\\') | (byte < 0x20));
    (!odd).then_some((string, rest))
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
        fn whatever_is_scanned_is_what_serde_reads(
            text in r#"\{("(id|type|data|version|links|x)":("[a-z\\" {}]{0,3}"|[0-9]|null|\{\}),?){0,4}\}{0,2}"#
        ) {
            if let Some(scanned) = by_scan(&text) {
                prop_assert_eq!(Some(scanned), by_serde(&text));
            }
        }
    }
}
