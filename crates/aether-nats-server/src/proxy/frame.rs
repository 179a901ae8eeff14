//! Where one frame of the NATS protocol ends and the next begins, in both directions.

use std::str;

use serde_json::Value;

/// A message on its way: MSG or HMSG to a client, PUB or HPUB to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The subject; empty when it is no UTF-8.
    pub subject: &'a str,
    /// Where an answer is to go.
    pub reply: Option<&'a str>,
    /// The header block as it stands on the wire, from `NATS/1.0`; empty without headers.
    pub headers: &'a [u8],
    /// The message itself.
    pub payload: &'a [u8],
}

/// What JetStream answers when it has stored a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishAck {
    /// The stream's name.
    pub stream: String,
    /// The message's sequence there.
    pub seq: u64,
    /// Whether the message had been stored before, by its message id.
    pub duplicate: bool,
}

impl Frame<'_> {
    /// The acknowledgement in this frame, if it is one that says "stored". Refusals are not.
    pub fn publish_ack(&self) -> Option<PublishAck> {
        // The server writes this field first; a refusal begins with its error. Everything else is not worth parsing.
        if !self.payload.starts_with(b"{\"stream\":") {
            return None;
        }
        let ack: Value = serde_json::from_slice(self.payload).ok()?;
        if ack.get("error").is_some() {
            return None;
        }
        let stream = ack.get("stream")?.as_str()?.to_owned();
        let seq = ack.get("seq")?.as_u64()?;
        let duplicate = ack.get("duplicate").and_then(Value::as_bool).unwrap_or(false);
        Some(PublishAck { stream, seq, duplicate })
    }
}

/// What stands at the beginning of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scan<'a> {
    /// A message of this length on the wire.
    Message(Frame<'a>, usize),
    /// Something else (INFO, PING, SUB, …) of this length on the wire.
    Other(usize),
    /// Not yet a whole frame.
    Incomplete,
    /// Not the NATS protocol.
    Malformed,
}

/// Reads the first frame of `buffer`.
pub(super) fn scan(buffer: &[u8]) -> Scan<'_> {
    let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
        return Scan::Incomplete;
    };
    let (line, body) = buffer.split_at(end + 1);
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (has_sid, has_headers) = match words.next() {
        Some(op) if op.eq_ignore_ascii_case(b"MSG") => (true, false),
        Some(op) if op.eq_ignore_ascii_case(b"HMSG") => (true, true),
        Some(op) if op.eq_ignore_ascii_case(b"PUB") => (false, false),
        Some(op) if op.eq_ignore_ascii_case(b"HPUB") => (false, true),
        _ => return Scan::Other(line.len()),
    };
    message(line.len(), body, words, has_sid, has_headers).unwrap_or(Scan::Malformed)
}

/// `subject [sid] [reply] [header length] length`, then the bytes, then an end of line.
fn message<'a>(
    line_len: usize,
    body: &'a [u8],
    mut words: impl Iterator<Item = &'a [u8]>,
    has_sid: bool,
    has_headers: bool,
) -> Option<Scan<'a>> {
    let subject = words.next()?;
    if has_sid {
        words.next()?;
    }
    let lengths = if has_headers { 2 } else { 1 };
    let mut rest: [&[u8]; 3] = [b""; 3];
    let mut count = 0;
    for word in words {
        *rest.get_mut(count)? = word;
        count += 1;
    }
    let rest = rest.get(..count)?;
    let (reply, rest) = match count.checked_sub(lengths)? {
        0 => (None, rest),
        1 => (rest.first().copied(), rest.get(1..)?),
        _ => return None,
    };
    let total = number(rest.last()?)?;
    let header_len = if has_headers { number(rest.first()?)? } else { 0 };
    // A length that no memory holds is none.
    let whole = line_len.checked_add(total)?.checked_add(2)?;
    if body.len() < whole - line_len {
        return (header_len <= total).then_some(Scan::Incomplete);
    }
    let (headers, payload) = body.get(..total)?.split_at_checked(header_len)?;
    if body.get(total..total + 2)? != b"\r\n" {
        return None;
    }
    let text = |bytes: &'a [u8]| str::from_utf8(bytes).unwrap_or_default();
    Some(Scan::Message(Frame { subject: text(subject), reply: reply.map(text), headers, payload }, whole))
}

fn number(word: &[u8]) -> Option<usize> {
    str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame<'a>(
        subject: &'a str,
        reply: Option<&'a str>,
        headers: &'a [u8],
        payload: &'a [u8],
    ) -> Frame<'a> {
        Frame { subject, reply, headers, payload }
    }

    #[test]
    fn reads_each_kind_of_message() {
        let cases: [(&[u8], Frame<'_>); 6] = [
            (b"MSG a.b 9 5\r\nhello\r\n", frame("a.b", None, b"", b"hello")),
            (b"MSG a.b 9 _I.1 2\r\n\r\n\r\n", frame("a.b", Some("_I.1"), b"", b"\r\n")),
            (b"HMSG a 9 12 13\r\nNATS/1.0\r\n\r\nx\r\n", frame("a", None, b"NATS/1.0\r\n\r\n", b"x")),
            (b"HMSG a 9 r 12 12\r\nNATS/1.0\r\n\r\n\r\n", frame("a", Some("r"), b"NATS/1.0\r\n\r\n", b"")),
            (b"PUB a 0\r\n\r\n", frame("a", None, b"", b"")),
            (b"HPUB a  r 12 14\r\nNATS/1.0\r\n\r\nxy\r\n", frame("a", Some("r"), b"NATS/1.0\r\n\r\n", b"xy")),
        ];
        for (wire, expected) in cases {
            assert_eq!(scan(wire), Scan::Message(expected, wire.len()), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn lets_everything_else_pass_line_by_line() {
        for wire in
            ["INFO {\"a\":\"MSG x 1 1\"}\r\n", "PING\r\n", "+OK\r\n", "-ERR 'x'\r\n", "SUB a 1\r\n", "\r\n"]
        {
            assert_eq!(scan(wire.as_bytes()), Scan::Other(wire.len()), "{wire}");
        }
    }

    #[test]
    fn refuses_what_is_no_message() {
        for wire in [
            "MSG\r\n",
            "MSG a\r\n",
            "MSG a 1 b c 2\r\nxx\r\n",
            "MSG a 1 -2\r\n\r\n",
            "MSG a 1 2\r\nxxx\r\n",
            "PUB a 18446744073709551615\r\n",
            "HPUB a 9 2\r\nxx\r\n",
        ] {
            assert_eq!(scan(wire.as_bytes()), Scan::Malformed, "{wire}");
        }
    }

    #[test]
    fn tells_an_ack_from_a_refusal_and_from_other_answers() {
        let ack = |payload: &'static str| frame("_INBOX.x", None, b"", payload.as_bytes()).publish_ack();
        let stored = PublishAck { stream: "S".to_owned(), seq: 7, duplicate: false };
        assert_eq!(ack(r#"{"stream":"S","seq":7}"#), Some(stored.clone()));
        assert_eq!(ack(r#"{"stream":"S","domain":"d","seq":7}"#), Some(stored.clone()));
        assert_eq!(
            ack(r#"{"stream":"S","seq":7,"duplicate":true}"#),
            Some(PublishAck { duplicate: true, ..stored })
        );
        for other in [
            r#"{"error":{"code":400,"err_code":10071,"description":"wrong"},"stream":"S","seq":0}"#,
            r#"{"stream":"S","seq":0,"error":{"code":400}}"#,
            r#"{"type":"io.nats.jetstream.api.v1.stream_msg_get_response","message":{"seq":7}}"#,
            r#"{"stream":"S"}"#,
            r#"{"stream":"S","seq":7"#,
            "",
        ] {
            assert_eq!(ack(other), None, "{other}");
        }
    }

    /// A frame as the wire carries it, and what a reader must make of it: subject, reply, payload.
    type Sample = (Vec<u8>, Option<(String, Option<String>, Vec<u8>)>);

    fn any_frame() -> impl Strategy<Value = Sample> {
        let text = "[a-z]{1,8}(\\.[a-z]{1,4})?";
        let message = (
            text,
            proptest::option::of(text),
            proptest::collection::vec(any::<u8>(), 0..40),
            any::<[bool; 2]>(),
        )
            .prop_map(|(subject, reply, payload, [to_server, with_headers])| {
                let headers = if with_headers { "NATS/1.0\r\nA: b\r\n\r\n" } else { "" };
                let op =
                    ["MSG", "HMSG", "PUB", "HPUB"][usize::from(to_server) * 2 + usize::from(with_headers)];
                let sid = if to_server { "" } else { " 12" };
                let to = reply.as_ref().map(|reply| format!(" {reply}")).unwrap_or_default();
                let header_len = if with_headers { format!(" {}", headers.len()) } else { String::new() };
                let total = headers.len() + payload.len();
                let mut wire =
                    format!("{op} {subject}{sid}{to}{header_len} {total}\r\n{headers}").into_bytes();
                wire.extend_from_slice(&payload);
                wire.extend_from_slice(b"\r\n");
                (wire, Some((subject, reply, payload)))
            });
        prop_oneof![
            4 => message,
            1 => Just((b"PING\r\n".to_vec(), None)),
            1 => Just((b"INFO {\"x\":1}\r\n".to_vec(), None)),
        ]
    }

    proptest! {
        /// However the bytes are split over reads, the same frames come out, and nothing is left over.
        #[test]
        fn frames_survive_any_split(
            frames in proptest::collection::vec(any_frame(), 0..12),
            cuts in proptest::collection::vec(1_usize..30, 1..20),
        ) {
            let wire: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let (mut buffer, mut rest, mut seen) = (Vec::new(), wire.as_slice(), Vec::new());
            for cut in cuts.iter().cycle() {
                let (read, left) = rest.split_at((*cut).min(rest.len()));
                buffer.extend_from_slice(read);
                rest = left;
                loop {
                    let used = match scan(&buffer) {
                        Scan::Message(m, used) => {
                            seen.push(Some((m.subject.to_owned(), m.reply.map(str::to_owned), m.payload.to_vec())));
                            used
                        }
                        Scan::Other(used) => {
                            seen.push(None);
                            used
                        }
                        Scan::Incomplete => break,
                        Scan::Malformed => return Err(TestCaseError::fail("malformed")),
                    };
                    buffer.drain(..used);
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(buffer.is_empty());
            prop_assert_eq!(seen, frames.into_iter().map(|(_, frame)| frame).collect::<Vec<_>>());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = scan(&bytes);
        }
    }
}
