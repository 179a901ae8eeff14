//! [`ProcessEvent`]: what can stand in the log of a process: events of its own, and what it has sent and was answered.

use std::fmt;
use std::marker::PhantomData;

use aether_core::ActorId;
use aether_event::{DomainEvent, Field, Retired, Shape, Variant};
use serde::de::value::U64Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::command_id::CommandId;
use crate::list::contains;
use crate::outcome::Outcome;

/// What can stand in the log of a process: events of its own, under their own types, and what it has sent and was answered,
/// as `process.CommandSent` and `process.CommandAnswered`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProcessEvent<E> {
    /// An event of the process manager's own.
    Own(E),
    /// A command was sent.
    Sent(CommandSent),
    /// A command was answered.
    Answered(CommandAnswered),
    /// What cannot be written: so the decision that has it is not saved. Never in a log.
    #[doc(hidden)]
    Unsayable(String),
}

/// The type of [`CommandSent`].
pub(super) const COMMAND_SENT: &str = "process.CommandSent";
/// The type of [`CommandAnswered`].
const COMMAND_ANSWERED: &str = "process.CommandAnswered";

/// Beside the process manager's own variants.
const RECORDS: [Variant; 2] = [
    Variant::new(COMMAND_SENT, 1, COMMAND_SENT).with_data(Shape::Newtype, &[Field::new("0", "CommandSent")]),
    Variant::new(COMMAND_ANSWERED, 1, COMMAND_ANSWERED)
        .with_data(Shape::Newtype, &[Field::new("0", "CommandAnswered")]),
];

/// The most variants that there can be.
const MAX: usize = 256;

impl<E: DomainEvent> ProcessEvent<E> {
    const OWN: usize = E::VARIANTS.len();

    const TABLE: [Variant; MAX] = {
        assert!(Self::OWN + RECORDS.len() <= MAX, "the events of a process manager have too many variants");
        let mut table = [RECORDS[0]; MAX];
        let mut index = 0;
        while index < Self::OWN {
            let own = E::VARIANTS[index];
            assert!(!contains(&[COMMAND_SENT, COMMAND_ANSWERED], own.name), "these names are taken");
            table[index] = own;
            index += 1;
        }
        table[Self::OWN + 1] = RECORDS[1];
        table
    };

    const WHOLE: &'static [Variant] = &Self::TABLE;
}

impl<E: DomainEvent> DomainEvent for ProcessEvent<E> {
    const NAME: &'static str = E::NAME;
    const VARIANTS: &'static [Variant] = Self::WHOLE.split_at(Self::OWN + RECORDS.len()).0;
    const RETIRED: &'static [Retired] = E::RETIRED;

    fn variant(&self) -> usize {
        match self {
            Self::Own(event) => event.variant(),
            Self::Sent(_) | Self::Unsayable(_) => Self::OWN,
            Self::Answered(_) => Self::OWN + 1,
        }
    }
}

/// As serde would write an enum that has the variants of `E`, and these after them.
impl<E: DomainEvent> Serialize for ProcessEvent<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = |index: usize| u32::try_from(index).map_err(S::Error::custom);
        match self {
            Self::Own(event) => event.serialize(serializer),
            Self::Sent(sent) => {
                serializer.serialize_newtype_variant(E::NAME, index(Self::OWN)?, COMMAND_SENT, sent)
            }
            Self::Answered(answered) => serializer.serialize_newtype_variant(
                E::NAME,
                index(Self::OWN + 1)?,
                COMMAND_ANSWERED,
                answered,
            ),
            Self::Unsayable(why) => Err(S::Error::custom(why)),
        }
    }
}

/// Read by the index of the variant: from a log only.
impl<'de, E: DomainEvent> Deserialize<'de> for ProcessEvent<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum(E::NAME, &[], ByIndex(PhantomData))
    }
}

struct ByIndex<E>(PhantomData<fn() -> E>);

impl<'de, E: DomainEvent> Visitor<'de> for ByIndex<E> {
    type Value = ProcessEvent<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of a process manager, by the index of its variant")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        let (index, variant) = access.variant_seed(PhantomData::<u64>)?;
        match usize::try_from(index).map_err(A::Error::custom)? {
            own if own < ProcessEvent::<E>::OWN => Ok(ProcessEvent::Own(own_variant(index, variant)?)),
            record if record == ProcessEvent::<E>::OWN => Ok(ProcessEvent::Sent(variant.newtype_variant()?)),
            _ => Ok(ProcessEvent::Answered(variant.newtype_variant()?)),
        }
    }
}

fn own_variant<'de, E: DeserializeOwned, V: VariantAccess<'de>>(
    index: u64,
    variant: V,
) -> Result<E, V::Error> {
    E::deserialize(Chosen { index, variant })
}

/// A variant whose index has been read already.
struct Chosen<W> {
    index: u64,
    variant: W,
}

impl<'de, W: VariantAccess<'de>> Deserializer<'de> for Chosen<W> {
    type Error = W::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, W::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, W: VariantAccess<'de>> EnumAccess<'de> for Chosen<W> {
    type Error = W::Error;
    type Variant = W;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, W), W::Error> {
        let index: U64Deserializer<W::Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self.variant))
    }
}

/// A command was sent: the event `process.CommandSent` in the log of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandSent {
    /// The command's id.
    pub id: CommandId,
    /// Whom it goes to.
    pub actor: ActorId,
    /// The command's name.
    pub command: String,
    /// The command, as JSON.
    pub data: Box<RawValue>,
}

/// A command was answered: the event `process.CommandAnswered` in the log of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandAnswered {
    /// The command's id.
    pub id: CommandId,
    pub(super) answer: AnswerRecord,
}

/// What became of a command, as it stands in a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnswerRecord {
    /// Executed, with this reply, as JSON.
    Done(Box<RawValue>),
    /// Refused, with this error, as JSON.
    Refused(Box<RawValue>),
    /// Executed; the reply was too large to be kept.
    DoneTooLarge,
}

impl TryFrom<&Outcome> for AnswerRecord {
    type Error = serde_json::Error;

    fn try_from(outcome: &Outcome) -> Result<Self, serde_json::Error> {
        Ok(match outcome {
            Outcome::Done(reply) => Self::Done(serde_json::from_slice(reply)?),
            Outcome::Refused(error) => Self::Refused(serde_json::from_slice(error)?),
            Outcome::DoneTooLarge => Self::DoneTooLarge,
        })
    }
}
