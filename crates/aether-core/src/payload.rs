//! [`Payload`]: an event's data or a snapshot's state, raw until somebody asks for it typed.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Source;

/// The content type of JSON data, the default.
pub const JSON: &str = "application/json";
/// The content type of bytes that say nothing about themselves.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Bytes with a content type, or nothing at all.
///
/// A payload stays as it was written: no store parses or rewrites it, and it becomes a value only when
/// [`to`](Self::to) is called. An absent payload, JSON `null`, JSON `""` and empty bytes are four different payloads.
///
/// Cloning is cheap (a reference count).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Payload(Option<(Cow<'static, str>, Bytes)>);

impl Payload {
    /// No data at all.
    #[must_use]
    pub const fn absent() -> Self {
        Self(None)
    }

    /// `value` as JSON.
    ///
    /// # Errors
    /// [`PayloadError::NotSerializable`] if serde cannot write the value, such as a map whose keys are no strings.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let bytes = serde_json::to_vec(value).map_err(|e| PayloadError::NotSerializable(e.into()))?;
        Ok(Self(Some((Cow::Borrowed(JSON), bytes.into()))))
    }

    /// `bytes` with this content type. JSON (`application/json`, `*/*+json`) is checked to be JSON, since it is stored
    /// as such; white space around it is not kept.
    ///
    /// # Errors
    /// [`PayloadError::NotJson`] if the content type says JSON and the bytes are not;
    /// [`PayloadError::EmptyContentType`] if there is no content type.
    pub fn new(
        content_type: impl Into<Cow<'static, str>>,
        bytes: impl Into<Bytes>,
    ) -> Result<Self, PayloadError> {
        let content_type = content_type.into();
        let mut bytes = bytes.into();
        if content_type.is_empty() {
            return Err(PayloadError::EmptyContentType);
        }
        if is_json(&content_type) {
            let value: &serde_json::value::RawValue =
                serde_json::from_slice(&bytes).map_err(|e| PayloadError::NotJson(e.into()))?;
            bytes = bytes.slice_ref(value.get().as_bytes());
        }
        Ok(Self(Some((content_type, bytes))))
    }

    /// `bytes` as `application/octet-stream`.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self(Some((Cow::Borrowed(OCTET_STREAM), bytes.into())))
    }

    /// Returns, for codecs, a payload of bytes that are known to have the content type.
    pub(crate) fn trusted(content_type: Cow<'static, str>, bytes: Bytes) -> Self {
        Self(Some((content_type, bytes)))
    }

    /// The raw bytes; `None` if the payload is absent.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        self.0.as_ref().map(|(_, bytes)| bytes)
    }

    /// The content type; `None` if the payload is absent.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.0.as_ref().map(|(content_type, _)| &**content_type)
    }

    /// Returns whether there is no payload.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// The size of the bytes; 0 if the payload is absent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes().map_or(0, Bytes::len)
    }

    /// Returns whether the payload has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether the content type is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.content_type().is_some_and(is_json)
    }

    /// The payload as a value.
    ///
    /// # Errors
    /// [`PayloadError::Absent`] if there is none, [`PayloadError::NotTyped`] if it is not JSON, and
    /// [`PayloadError::Mismatch`] if the JSON is not a `T`.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        let (content_type, bytes) = self.0.as_ref().ok_or(PayloadError::Absent)?;
        if !is_json(content_type) {
            return Err(PayloadError::NotTyped { content_type: content_type.to_string() });
        }
        serde_json::from_slice(bytes).map_err(|e| PayloadError::Mismatch(e.into()))
    }
}

/// Whether a content type is JSON's: `application/json`, `text/json`, or any with the suffix `+json`.
pub(crate) fn is_json(content_type: &str) -> bool {
    if content_type == JSON {
        return true;
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == JSON || essence == "text/json" || essence.ends_with("+json")
}

/// The reason why a value could not become a payload, or a payload a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// serde could not write the value as JSON.
    #[error("the value cannot be written as JSON")]
    NotSerializable(#[source] Source),
    /// The content type says JSON, the bytes are something else.
    #[error("the content type says JSON, but the bytes are not")]
    NotJson(#[source] Source),
    /// The content type is empty.
    #[error("a payload needs a content type; use application/octet-stream for plain bytes")]
    EmptyContentType,
    /// The event has no payload.
    #[error("there is no data")]
    Absent,
    /// The payload has a content type that Aether does not read as a value.
    #[error("data of content type {content_type} is not read as a value; take its bytes")]
    NotTyped {
        /// The content type.
        content_type: String,
    },
    /// The JSON is not of the type asked for.
    #[error("the data is not of the type asked for")]
    Mismatch(#[source] Source),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_ways_to_say_nothing_are_different() {
        let payloads = [
            Payload::absent(),
            Payload::json(&()).unwrap(),
            Payload::json("").unwrap(),
            Payload::binary(Bytes::new()),
        ];
        for (i, a) in payloads.iter().enumerate() {
            for (j, b) in payloads.iter().enumerate() {
                assert_eq!(a == b, i == j);
            }
        }
    }

    #[test]
    fn what_says_json_must_be_json() {
        assert!(matches!(Payload::new(JSON, "{"), Err(PayloadError::NotJson(_))));
        assert!(matches!(Payload::new("a/b+json", "1 2"), Err(PayloadError::NotJson(_))));
        assert!(Payload::new("text/plain", "{").is_ok());
        let trimmed = Payload::new("application/json; charset=utf-8", " {\"a\": 1}\n").unwrap();
        assert_eq!(trimmed.bytes().unwrap().as_ref(), b"{\"a\": 1}");
        assert_eq!(trimmed.to::<serde_json::Value>().unwrap()["a"], 1);
    }
}
