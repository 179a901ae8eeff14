//! [`encode`]: an event as its type and data; the serializer takes the fields out of their variant.

use aether_core::{Payload, PayloadError};
use serde::ser::{
    Error, Impossible, Serialize, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleVariant, Serializer,
};

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

/// The fields of an event, to be serialized as they are.
pub(crate) struct Fields<'a, E> {
    pub(crate) event: &'a E,
    /// The variant that the event says it is.
    pub(crate) index: usize,
}

impl<E: Serialize> Serialize for Fields<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(Untag { inner: serializer, index: self.index })
    }
}

/// Takes a variant, and gives what is in it to `inner`.
struct Untag<S> {
    inner: S,
    index: usize,
}

impl<S: Serializer> Untag<S> {
    fn content(self, index: u32) -> Result<S, S::Error> {
        if index as usize == self.index {
            return Ok(self.inner);
        }
        Err(S::Error::custom(format_args!("serde counts it as variant {index}, variant() as {}", self.index)))
    }
}

fn no_enum<T, E: Error>() -> Result<T, E> {
    Err(E::custom("serde does not write it as an enum whose variants are named outside of their data"))
}

macro_rules! refuse {
    ($($method:ident($type:ty)),* $(,)?) => {
        $(fn $method(self, _: $type) -> Result<S::Ok, S::Error> {
            no_enum()
        })*
    };
}

impl<S: Serializer> Serializer for Untag<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Untagged<S::SerializeTuple>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;
    type SerializeStructVariant = Untagged<S::SerializeStruct>;

    refuse! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_f32(f32),
        serialize_f64(f64), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str),
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<S::Ok, S::Error> {
        self.content(index)?.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<S::Ok, S::Error> {
        no_enum()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(self.content(index)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        no_enum()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, S::Error> {
        no_enum()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        no_enum()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.content(index)?.serialize_tuple(len).map(Untagged)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        no_enum()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, S::Error> {
        no_enum()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.content(index)?.serialize_struct(variant, len).map(Untagged)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Takes the fields of a variant, and writes those of a tuple or a struct.
struct Untagged<C>(C);

impl<C: SerializeTuple> SerializeTupleVariant for Untagged<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.0.serialize_element(value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}

impl<C: SerializeStruct> SerializeStructVariant for Untagged<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), C::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.0.end()
    }
}
