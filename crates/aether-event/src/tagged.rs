//! Reading a variant that is known already from data that has only its fields.

use serde::de::value::U64Deserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The variant of this index, with this data.
pub(crate) struct Tagged<D> {
    pub(crate) index: usize,
    /// `None` if there is no data.
    pub(crate) content: Option<D>,
}

impl<'de, D: Deserializer<'de>> Tagged<D> {
    fn content(self) -> Result<D, D::Error> {
        self.content.ok_or_else(|| D::Error::custom("there is no data"))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(D::Error::custom(
            "serde does not read it as an enum whose variants are named outside of their data",
        ))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Tagged<D> {
    type Error = D::Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), D::Error> {
        let index: U64Deserializer<D::Error> = (self.index as u64).into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Tagged<D> {
    type Error = D::Error;

    /// Data that a variant without fields has no use for is passed over, like unknown fields.
    fn unit_variant(self) -> Result<(), D::Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.content()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}
