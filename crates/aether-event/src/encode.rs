//! [`encode`]: from a typed event to a type on the wire and a payload.

use aether_core::{Payload, PayloadError};

use crate::untag::Fields;
use crate::{DomainEvent, Shape};

/// The type on the wire of an event, and its data: the fields of its variant as JSON, without a name around them.
///
/// A variant without fields has no payload; `V(T)` has the JSON of the `T`, `V(A, B)` an array, `V { .. }` an object.
///
/// ```
/// # use aether_event::DomainEvent;
/// # use serde::{Serialize, Deserialize};
/// #[derive(Serialize, Deserialize, DomainEvent)]
/// enum DoorEvent {
///     DoorOpened { by: String },
/// }
///
/// let (event_type, payload) = aether_event::encode(&DoorEvent::DoorOpened { by: "ada".into() })?;
/// assert_eq!(event_type, "DoorOpened");
/// assert_eq!(payload.bytes().map(|b| &b[..]), Some(&br#"{"by":"ada"}"#[..]));
/// # Ok::<(), aether_event::EncodeError>(())
/// ```
///
/// # Errors
/// [`EncodeError`] if serde cannot write the fields as JSON.
pub fn encode<E: DomainEvent>(event: &E) -> Result<(&'static str, Payload), EncodeError> {
    let index = event.variant();
    let Some(variant) = E::VARIANTS.get(index) else {
        return Err(EncodeError {
            event_type: E::NAME,
            source: PayloadError::NotSerializable(NO_VARIANT.into()),
        });
    };
    let payload = match variant.shape {
        Shape::Unit => Payload::absent(),
        _ => Payload::json(&Fields { event, index })
            .map_err(|source| EncodeError { event_type: variant.event_type, source })?,
    };
    Ok((variant.event_type, payload))
}

const NO_VARIANT: &str = "variant() gives an index that VARIANTS does not have";

/// An event cannot be written as JSON, such as one with a map whose keys are no strings.
#[derive(Debug, thiserror::Error)]
#[error("an event of type {event_type} cannot be encoded; change its fields to what JSON can say")]
pub struct EncodeError {
    event_type: &'static str,
    source: PayloadError,
}

impl EncodeError {
    /// The type on the wire.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        self.event_type
    }
}
