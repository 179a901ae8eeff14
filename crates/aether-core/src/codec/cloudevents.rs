//! Commits as CloudEvents 1.0 in JSON.
//!
//! Written by hand: the data of an event is copied as it is, and nothing is built in between.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::scan::Text;
use super::scan::scan;
use super::{CodecError, Decoded, Envelope, links, timestamp};
use crate::payload::{self, Payload};
use crate::{ActorId, CommitMarks, Event, Metadata, Version};

/// The type of the CloudEvent that stands for a commit without events.
const EMPTY_COMMIT: &str = "aether.commit";

pub(super) fn encode(envelope: &Envelope<'_>, out: &mut Vec<u8>) {
    match envelope.part.events() {
        [] => encode_empty(envelope, out),
        [event] => encode_event(envelope, event, true, out),
        events => {
            for (index, event) in events.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                encode_event(envelope, event, index == 0, out);
            }
            out.push(b']');
        }
    }
}

fn encode_event(envelope: &Envelope<'_>, event: &Event, first: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"specversion":"1.0","id":""#);
    push_uuid(event.id(), out);
    out.extend_from_slice(br#"","type":"#);
    push_string(event.event_type(), out);
    push_attribute("source", envelope.source, out);
    push_attribute("subject", event.actor().as_str(), out);
    out.extend_from_slice(br#","time":""#);
    timestamp::write(event.timestamp(), out);
    out.extend_from_slice(br#"","version":""#);
    push_number(event.version().get(), out);
    out.push(b'"');
    push_metadata(event.metadata(), out);
    if first {
        push_commit(envelope, out);
    }
    push_payload(event.payload(), out);
    out.push(b'}');
}

fn encode_empty(envelope: &Envelope<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"specversion":"1.0","id":""#);
    push_uuid(envelope.part.commit_id(), out);
    if envelope.marks.is_some() {
        // One id for each part, as CloudEvents asks of events of one source.
        out.push(b'/');
        push_number(envelope.part.index().into(), out);
    }
    out.extend_from_slice(br#"","type":"aether.commit""#);
    push_attribute("source", envelope.source, out);
    push_attribute("subject", envelope.part.actor().as_str(), out);
    out.extend_from_slice(br#","headversion":""#);
    push_number(envelope.version.get(), out);
    out.push(b'"');
    push_commit(envelope, out);
    out.push(b'}');
}

fn push_commit(envelope: &Envelope<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","links":""#);
    links::encode(envelope.links, out);
    out.push(b'"');
    if let Some(note) = envelope.part.note() {
        out.extend_from_slice(br#","note":""#);
        push_base64(note, out);
        out.push(b'"');
    }
    if let Some(marks) = envelope.marks {
        out.extend_from_slice(br#","commitid":""#);
        push_uuid(marks.id, out);
        out.extend_from_slice(br#"","commitindex":"#);
        push_number(marks.index.into(), out);
        let actors = serde_json::to_string(&marks.actors).unwrap_or_default();
        push_attribute("commitactors", &actors, out);
    }
}

fn push_metadata(metadata: &Metadata, out: &mut Vec<u8>) {
    let named = [
        ("commandid", &metadata.command_id),
        ("correlationid", &metadata.correlation_id),
        ("causationid", &metadata.causation_id),
        ("traceparent", &metadata.traceparent),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            push_attribute(name, value, out);
        }
    }
    if !metadata.user.is_empty() {
        let user = serde_json::to_string(&metadata.user).unwrap_or_default();
        push_attribute("usermetadata", &user, out);
    }
}

fn push_payload(payload: &Payload, out: &mut Vec<u8>) {
    let (Some(content_type), Some(bytes)) = (payload.content_type(), payload.bytes()) else { return };
    push_attribute("datacontenttype", content_type, out);
    if payload::is_json(content_type) {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(bytes);
    } else {
        out.extend_from_slice(br#","data_base64":""#);
        push_base64(bytes, out);
        out.push(b'"');
    }
}

fn push_attribute(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    push_string(value, out);
}

fn push_string(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing a string to a vector cannot fail.
        let _ = serde_json::to_writer(out, text);
    }
}

fn push_uuid(id: Uuid, out: &mut Vec<u8>) {
    let mut buffer = Uuid::encode_buffer();
    out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
}

fn push_number(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// One CloudEvent, with the attributes that Aether reads.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CloudEvent<'a> {
    specversion: Option<Text<'a>>,
    id: Option<Text<'a>>,
    #[serde(rename = "type")]
    event_type: Option<Text<'a>>,
    subject: Option<Text<'a>>,
    time: Option<Text<'a>>,
    version: Option<Text<'a>>,
    headversion: Option<Text<'a>>,
    commandid: Option<Text<'a>>,
    correlationid: Option<Text<'a>>,
    causationid: Option<Text<'a>>,
    traceparent: Option<Text<'a>>,
    usermetadata: Option<Text<'a>>,
    links: Option<Text<'a>>,
    note: Option<Text<'a>>,
    commitid: Option<Text<'a>>,
    commitindex: Option<u32>,
    commitactors: Option<Text<'a>>,
    datacontenttype: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) data: Option<&'a RawValue>,
    data_base64: Option<Text<'a>>,
    #[serde(skip)]
    source: Option<Text<'a>>,
}

impl<'a> CloudEvent<'a> {
    /// Where an attribute is kept that is a string; `None` if it is not one that Aether reads.
    pub(super) fn attribute(&mut self, name: &str) -> Option<&mut Option<Text<'a>>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "type" => &mut self.event_type,
            "source" => &mut self.source,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "version" => &mut self.version,
            "headversion" => &mut self.headversion,
            "commandid" => &mut self.commandid,
            "correlationid" => &mut self.correlationid,
            "causationid" => &mut self.causationid,
            "traceparent" => &mut self.traceparent,
            "usermetadata" => &mut self.usermetadata,
            "links" => &mut self.links,
            "note" => &mut self.note,
            "commitid" => &mut self.commitid,
            "commitactors" => &mut self.commitactors,
            "datacontenttype" => &mut self.datacontenttype,
            "data_base64" => &mut self.data_base64,
            _ => return None,
        })
    }
}

/// A `data` of `null` is there all the same.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

pub(super) fn decode(bytes: &Bytes, links: bool) -> Result<Decoded, CodecError> {
    let not_json = |e: serde_json::Error| CodecError::because("not a CloudEvent in JSON", e);
    // Looked at once here, and not again string by string.
    let text = std::str::from_utf8(bytes).map_err(|e| CodecError::because("not a CloudEvent in JSON", e))?;
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let events: Vec<CloudEvent<'_>> = serde_json::from_str(text).map_err(not_json)?;
        return commit(bytes, &events, links);
    }
    let event = match scan(text) {
        Some(event) => event,
        None => serde_json::from_str(text).map_err(not_json)?,
    };
    if event.event_type.as_deref() == Some(EMPTY_COMMIT) && event.version.is_none() {
        return empty_commit(&event);
    }
    commit(bytes, &[event], links)
}

fn commit(bytes: &Bytes, cloud_events: &[CloudEvent<'_>], links: bool) -> Result<Decoded, CodecError> {
    let first = cloud_events.first().ok_or_else(|| CodecError::new("a batch without events"))?;
    let links = if links { read_links(first)? } else { None };
    let (note, marks) = (read_note(first)?, read_marks(first)?);
    let mut events: Vec<Event> = Vec::with_capacity(cloud_events.len());
    for cloud_event in cloud_events {
        let event = read_event(bytes, cloud_event)?;
        if let Some(before) = events.last()
            && (before.actor() != event.actor() || before.version() >= event.version())
        {
            return Err(CodecError::new("the events of a batch are of one actor, in ascending versions"));
        }
        events.push(event);
    }
    let Some(last) = events.last() else { return Err(CodecError::new("a batch without events")) };
    let (actor, version, id) = (last.actor().clone(), last.version(), marks.as_ref().map(|m| m.id));
    Ok(Decoded { actor, version, events, note, links, id, marks })
}

fn empty_commit(event: &CloudEvent<'_>) -> Result<Decoded, CodecError> {
    let id = read_text(&event.id, "id")?.split('/').next().unwrap_or_default();
    let version = event.headversion.as_deref();
    let version = version.ok_or_else(|| CodecError::new("neither `version` nor `headversion`"))?;
    Ok(Decoded {
        actor: read_actor(event)?,
        version: read_version(version)?,
        events: Vec::new(),
        note: read_note(event)?,
        links: read_links(event)?,
        id: Some(read_uuid(id)?),
        marks: read_marks(event)?,
    })
}

fn read_event(bytes: &Bytes, event: &CloudEvent<'_>) -> Result<Event, CodecError> {
    let specversion = read_text(&event.specversion, "specversion")?;
    if specversion != "1.0" {
        return Err(CodecError::new(format!("CloudEvents {specversion} instead of 1.0")));
    }
    let (id, event_type) = (read_text(&event.id, "id")?, read_text(&event.event_type, "type")?);
    let version = read_version(read_text(&event.version, "version")?)?;
    if version.is_zero() {
        return Err(CodecError::new("an event of version 0"));
    }
    let time = read_text(&event.time, "time")?;
    let time = timestamp::parse(time).ok_or_else(|| CodecError::new(format!("`time` {time:?}")))?;
    let metadata = Metadata {
        user: event.usermetadata.as_deref().map(read_user).transpose()?.unwrap_or_default(),
        command_id: event.commandid.as_deref().map(str::to_owned),
        correlation_id: event.correlationid.as_deref().map(str::to_owned),
        causation_id: event.causationid.as_deref().map(str::to_owned),
        traceparent: event.traceparent.as_deref().map(str::to_owned),
    };
    let (id, actor, payload) = (read_uuid(id)?, read_actor(event)?, read_payload(bytes, event)?);
    Ok(Event::restore(id, event_type.to_owned(), actor, version, payload, metadata, time))
}

fn read_payload(bytes: &Bytes, event: &CloudEvent<'_>) -> Result<Payload, CodecError> {
    let content_type = match event.datacontenttype.as_deref() {
        None | Some(payload::JSON) => Cow::Borrowed(payload::JSON),
        Some(payload::OCTET_STREAM) => Cow::Borrowed(payload::OCTET_STREAM),
        Some("") => return Err(CodecError::new("an empty `datacontenttype`")),
        Some(other) => Cow::Owned(other.to_owned()),
    };
    if let Some(text) = &event.data_base64 {
        let decoded = STANDARD.decode(text.as_bytes());
        let decoded = decoded.map_err(|e| CodecError::because("`data_base64` is not base64", e))?;
        return Payload::new(content_type, decoded)
            .map_err(|e| CodecError::because("`data_base64` is not of its content type", e));
    }
    let Some(data) = event.data else { return Ok(Payload::absent()) };
    if payload::is_json(&content_type) {
        return Ok(Payload::trusted(content_type, bytes.slice_ref(data.get().as_bytes())));
    }
    // Data of another content type may be a JSON string that holds the text (CloudEvents JSON format, 3.1.1).
    let text = serde_json::from_str::<String>(data.get()).map(Bytes::from);
    Ok(Payload::trusted(content_type, text.unwrap_or_else(|_| bytes.slice_ref(data.get().as_bytes()))))
}

/// Values that are no strings, which only others write, are kept as their JSON.
fn read_user(text: &str) -> Result<BTreeMap<String, String>, CodecError> {
    let user: BTreeMap<String, &RawValue> = serde_json::from_str(text)
        .map_err(|e| CodecError::because("`usermetadata` is not a JSON object", e))?;
    let value = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    Ok(user.into_iter().map(|(key, raw)| (key, value(raw))).collect())
}

fn read_actor(event: &CloudEvent<'_>) -> Result<ActorId, CodecError> {
    ActorId::new(read_text(&event.subject, "subject")?)
        .map_err(|e| CodecError::because("`subject` is no actor id", e))
}

fn read_text<'a>(text: &'a Option<Text<'_>>, name: &str) -> Result<&'a str, CodecError> {
    text.as_deref().ok_or_else(|| CodecError::new(format!("an event without `{name}`")))
}

fn read_version(text: &str) -> Result<Version, CodecError> {
    let number: u64 = text.parse().map_err(|e| CodecError::because("a version is no number", e))?;
    Ok(Version::new(number))
}

fn read_uuid(text: &str) -> Result<Uuid, CodecError> {
    Uuid::try_parse(text).map_err(|e| CodecError::because("an id is no UUID", e))
}

fn read_links(event: &CloudEvent<'_>) -> Result<Option<Vec<u64>>, CodecError> {
    let read = |text: &str| links::decode(text).ok_or_else(|| CodecError::new("`links` is no list of links"));
    event.links.as_deref().map(read).transpose()
}

fn read_note(event: &CloudEvent<'_>) -> Result<Option<Bytes>, CodecError> {
    let Some(text) = &event.note else { return Ok(None) };
    let note = STANDARD.decode(text.as_bytes());
    Ok(Some(note.map_err(|e| CodecError::because("`note` is not base64", e))?.into()))
}

fn read_marks(event: &CloudEvent<'_>) -> Result<Option<CommitMarks>, CodecError> {
    let Some(id) = &event.commitid else { return Ok(None) };
    let (Some(index), Some(actors)) = (event.commitindex, &event.commitactors) else {
        return Err(CodecError::new("`commitid` without `commitindex` or `commitactors`"));
    };
    let actors = serde_json::from_str(actors)
        .map_err(|e| CodecError::because("`commitactors` is no list of actor ids", e))?;
    Ok(Some(CommitMarks::new(read_uuid(id)?, index, actors)))
}
