//! Reads process logs in the IEEE XES format (IEEE 1849), trace by trace.
//!
//! A log has traces (cases), a trace has events, and all three have attributes. Attributes become JSON: a `string`,
//! `date` or `id` a string, an `int` or `float` a number, a `boolean` a boolean, a `list` an array and a `container` an
//! object. An attribute with attributes of its own becomes `{"value": …, "attributes": {…}}`.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufRead};

use anyhow::{Result, anyhow, bail};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Number, Value, json};

/// Attributes by their keys.
pub(crate) type Attributes = Map<String, Value>;

/// The key of a name: of a log, a case, or what happened.
pub(crate) const NAME: &str = "concept:name";
/// The key of the time of an event.
pub(crate) const TIME: &str = "time:timestamp";

/// How deep attributes may lie in attributes.
const MAX_DEPTH: usize = 32;

/// One case and what happened in it, as the log says it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Trace {
    pub(crate) name: Option<String>,
    pub(crate) events: Vec<Attributes>,
}

/// A log that is being read.
pub(crate) struct Xes<R> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    open: usize,
    name: Option<String>,
}

/// What the parser needs to know of an XML element.
struct Tag {
    element: String,
    key: Option<String>,
    value: String,
}

enum Node {
    Open(Tag),
    Close,
}

impl<R: BufRead> Xes<R> {
    /// Reads up to the beginning of the log.
    pub(crate) fn new(input: R) -> Result<Self> {
        let mut reader = Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        let mut xes = Self { reader, buffer: Vec::new(), open: 0, name: None };
        match xes.next()? {
            Some(Node::Open(root)) if root.element == "log" => Ok(xes),
            Some(Node::Open(root)) => {
                bail!("not an XES log: it begins with <{}>, a log begins with <log>", root.element)
            }
            _ => bail!("not an XES log: there is no <log> in it"),
        }
    }

    /// The name of the log, as far as it has been read: attributes of the log come before its traces.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The next trace; `None` at the end of the log.
    pub(crate) fn next_trace(&mut self) -> Result<Option<Trace>> {
        while let Some(Node::Open(tag)) = self.next()? {
            match &*tag.element {
                "trace" => return self.trace().map(Some),
                "event" => bail!("not a log of cases: it has an event outside of every <trace>"),
                "string" if tag.key.as_deref() == Some(NAME) => {
                    self.skip()?;
                    self.name = Some(tag.value);
                }
                _ => self.skip()?,
            }
        }
        Ok(None)
    }

    fn trace(&mut self) -> Result<Trace> {
        let mut trace = Trace::default();
        while let Some(Node::Open(tag)) = self.next()? {
            if tag.element == "event" {
                trace.events.push(self.attributes(0)?.into_iter().collect());
            } else {
                self.skip()?;
                if tag.key.as_deref() == Some(NAME) {
                    trace.name = Some(tag.value);
                }
            }
        }
        Ok(trace)
    }

    /// The attributes up to the end of the element that is open.
    fn attributes(&mut self, depth: usize) -> Result<Vec<(String, Value)>> {
        if depth > MAX_DEPTH {
            bail!("attributes lie more than {MAX_DEPTH} deep in attributes");
        }
        let mut attributes = Vec::new();
        while let Some(Node::Open(tag)) = self.next()? {
            let inner = self.attributes(depth + 1)?;
            match tag {
                // The values of a list are in an element of their own.
                Tag { key: None, element, .. } if element == "values" => attributes.extend(inner),
                Tag { key: None, .. } => {}
                Tag { key: Some(key), element, value } => {
                    attributes.push((key, json_of(&element, value, inner)));
                }
            }
        }
        Ok(attributes)
    }

    /// Reads over the rest of the element that is open.
    fn skip(&mut self) -> Result<()> {
        let outside = self.open - 1;
        while self.open > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The next beginning or end of an element; `None` at the end of the document.
    fn next(&mut self) -> Result<Option<Node>> {
        loop {
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(describe(&error, self.reader.error_position())),
            };
            match event {
                Event::Start(start) => {
                    self.open += 1;
                    let tag = read_tag(&start).map_err(|e| not_xml(self.reader.buffer_position(), e))?;
                    return Ok(Some(Node::Open(tag)));
                }
                Event::End(_) => {
                    self.open -= 1;
                    return Ok(Some(Node::Close));
                }
                Event::Eof if self.open > 0 => bail!("it ends in the middle of the log: get the whole file"),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }
}

fn read_tag(start: &BytesStart<'_>) -> Result<Tag, quick_xml::Error> {
    let mut tag = Tag { element: start.local_name().as_ref().to_owned(), key: None, value: String::new() };
    for attribute in start.attributes() {
        let attribute = attribute?;
        let value = || attribute.normalized_value(XmlVersion::Explicit1_0).map(Cow::into_owned);
        match attribute.key.as_ref() {
            "key" => tag.key = Some(value()?),
            "value" => tag.value = value()?,
            _ => {}
        }
    }
    Ok(tag)
}

fn json_of(element: &str, value: String, inner: Vec<(String, Value)>) -> Value {
    let plain = match element {
        "list" => return inner.into_iter().map(|(key, value)| json!({ key: value })).collect(),
        "container" => return inner.into_iter().collect(),
        "int" => value.parse().ok().map(|number: i64| Value::Number(number.into())),
        "float" => value.parse().ok().and_then(Number::from_f64).map(Value::Number),
        "boolean" => value.parse().ok().map(Value::Bool),
        _ => None,
    };
    // A number that JSON does not have stays a text.
    let plain = plain.unwrap_or(Value::String(value));
    if inner.is_empty() {
        return plain;
    }
    json!({ "value": plain, "attributes": inner.into_iter().collect::<Attributes>() })
}

/// Says what is wrong with the input, and what to do.
fn describe(error: &quick_xml::Error, byte: u64) -> anyhow::Error {
    use quick_xml::Error as Xml;
    use quick_xml::errors::IllFormedError as IllFormed;
    match error {
        Xml::Io(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            anyhow!("it ends in the middle of its compressed data: get the whole file")
        }
        Xml::Io(cause) => anyhow!("it cannot be read ({cause}): get the file again"),
        Xml::Syntax(_) | Xml::IllFormed(IllFormed::MissingEndTag(_)) => {
            anyhow!("it breaks off at byte {byte} ({error}): get the whole file")
        }
        _ => not_xml(byte, error),
    }
}

fn not_xml(byte: u64, error: impl Display) -> anyhow::Error {
    anyhow!("not XML at byte {byte} ({error}): give an XES log, or get the file again if it is one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Option<String>, Vec<Trace>)> {
        let mut xes = Xes::new(text.as_bytes())?;
        let mut traces = Vec::new();
        while let Some(trace) = xes.next_trace()? {
            traces.push(trace);
        }
        Ok((xes.name().map(str::to_owned), traces))
    }

    #[test]
    fn a_log_has_traces_and_traces_have_events() {
        let (name, traces) = read(
            r#"<?xml version="1.0"?><!-- made up --><log xes.version="1.0">
                <global scope="event"><string key="concept:name" value="UNKNOWN"/></global>
                <float key="other" value="1"><string key="concept:name" value="inner"/></float>
                <string key="concept:name" value="A &amp; B"/>
                <trace><string key="concept:name" value="1"/>
                    <event><string key="concept:name" value="x"><int key="n" value="7"/></string></event>
                    <event/>
                </trace>
                <trace/>
            </log>"#,
        )
        .unwrap();
        assert_eq!(name.as_deref(), Some("A & B"));
        assert_eq!(traces.len(), 2);
        assert_eq!(traces[0].name.as_deref(), Some("1"));
        let x = json!({"concept:name": {"value": "x", "attributes": {"n": 7}}});
        assert_eq!(traces[0].events, [x.as_object().unwrap().clone(), Attributes::new()]);
        assert_eq!(traces[1], Trace::default());
    }

    #[test]
    fn attributes_become_json() {
        let (_, traces) = read(
            r#"<log><trace><event>
                <string key="s" value="&lt;&#65;"/><date key="d" value="2026-01-02T03:04:05Z"/><id key="i" value="9"/>
                <int key="n" value="-3"/><float key="f" value="1.5"/><boolean key="b" value="true"/>
                <int key="huge" value="99999999999999999999"/><float key="nan" value="NaN"/>
                <list key="l"><values><int key="a" value="1"/><int key="a" value="2"/></values></list>
                <container key="c"><string key="x" value="y"/></container>
            </event></trace></log>"#,
        )
        .unwrap();
        let expected = json!({
            "s": "<A", "d": "2026-01-02T03:04:05Z", "i": "9", "n": -3, "f": 1.5, "b": true,
            "huge": "99999999999999999999", "nan": "NaN", "l": [{"a": 1}, {"a": 2}], "c": {"x": "y"},
        });
        assert_eq!(Value::Object(traces[0].events[0].clone()), expected);
    }

    #[test]
    fn what_is_no_whole_log_is_refused() {
        let deep = format!("<log><trace><event>{}", r#"<string key="a" value="b">"#.repeat(100));
        for (text, says) in [
            ("", "there is no <log>"),
            ("case,activity\n1,x\n", "there is no <log>"),
            ("<html></html>", "begins with <html>"),
            ("<log><trace>", "get the whole file"),
            ("<log><trace><event><string key=\"a", "get the whole file"),
            ("<log><trace></log>", "not XML at byte"),
            ("<log><string key=\"a\" value=\"&nope;\"/></log>", "not XML at byte"),
            ("<log><event/></log>", "outside of every <trace>"),
            (&deep, "deep"),
        ] {
            let error = read(text).map(|_| ()).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{text:.40}: {error:#}");
        }
    }
}
