//! [`ActorId`]: who an event belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::token;

/// The identity of one actor: a category and a key, joined by the first `-` (`order-123`).
///
/// The category is everything before the first dash and the key everything after it, so `order-` has an
/// empty key, `-order` an empty category, and `order` no key at all: three different actors. All other
/// characters are allowed, also spaces, dots, wildcards and any unicode.
///
/// Cloning is cheap (a reference count).
///
/// ```
/// use aether_core::ActorId;
///
/// let id = ActorId::new("order-2024-17")?;
/// assert_eq!(id.category(), "order");
/// assert_eq!(id.key(), Some("2024-17"));
/// # Ok::<(), aether_core::InvalidActorId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId(Arc<str>);

impl ActorId {
    /// The longest [`subject`](Self::subject) of an id, in bytes. NATS answers a longer subject with silence.
    pub const MAX_ENCODED: usize = 512;

    /// Checks `id` and takes it.
    ///
    /// # Errors
    /// [`InvalidActorId`] if the id is empty, or if its encoded form is longer than
    /// [`MAX_ENCODED`](Self::MAX_ENCODED) bytes. Every byte outside `[A-Za-z0-9_-]` counts three there.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidActorId> {
        let id = id.as_ref();
        if id.is_empty() {
            return Err(InvalidActorId::Empty);
        }
        let id = Self(id.into());
        let encoded = token::encoded_len(Some(id.category())) + 1 + token::encoded_len(id.key());
        if encoded > Self::MAX_ENCODED {
            return Err(InvalidActorId::TooLong { encoded });
        }
        Ok(id)
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the first `-`; the whole id if it has none.
    #[must_use]
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }

    /// Returns the part after the first `-`; `None` if the id has none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.split_once('-').map(|(_, key)| key)
    }

    /// The two subject tokens of the id, `<category>.<key>`: injective, and without a character that acts.
    #[must_use]
    pub fn subject(&self) -> String {
        let mut out = String::with_capacity(self.0.len() + 3);
        self.write_subject(&mut out);
        out
    }

    /// Appends [`subject`](Self::subject) to `out`.
    pub fn write_subject(&self, out: &mut String) {
        token::encode_into(Some(self.category()), out);
        out.push('.');
        token::encode_into(self.key(), out);
    }

    /// The subject token of a category, as [`subject`](Self::subject) writes it.
    #[must_use]
    pub fn category_token(category: &str) -> String {
        let mut out = String::new();
        token::encode_into(Some(category), &mut out);
        out
    }

    /// The id whose [`subject`](Self::subject) this is; `None` if no actor has it.
    #[must_use]
    pub fn from_subject(subject: &str) -> Option<Self> {
        let (category, key) = subject.split_once('.')?;
        let category = token::decode(category)??;
        let id = match token::decode(key)? {
            Some(key) => format!("{category}-{key}"),
            None => category,
        };
        // A category token that decodes to a text with a dash would read back as another id.
        Self::new(id).ok().filter(|id| id.subject() == subject)
    }
}

/// The reason why a text is not an [`ActorId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidActorId {
    /// The id has no characters.
    #[error("an actor id must not be empty")]
    Empty,
    /// The id would make too long a subject.
    #[error(
        "an actor id may take {} bytes when encoded (every byte outside [A-Za-z0-9_-] takes three), this one takes {encoded}",
        ActorId::MAX_ENCODED
    )]
    TooLong {
        /// The length of the encoded id, in bytes.
        encoded: usize,
    },
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({:?})", &*self.0)
    }
}

impl AsRef<str> for ActorId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActorId {
    type Err = InvalidActorId;

    fn from_str(id: &str) -> Result<Self, InvalidActorId> {
        Self::new(id)
    }
}

impl Serialize for ActorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(id).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_dash_parts_category_and_key() {
        for (id, category, key, subject) in [
            ("order", "order", None, "order.~~"),
            ("order-", "order", Some(""), "order.~"),
            ("-order", "", Some("order"), "~.order"),
            ("order-1-2", "order", Some("1-2"), "order.1-2"),
            ("a.b-*", "a.b", Some("*"), "a%2Eb.%2A"),
        ] {
            let id = ActorId::new(id).unwrap();
            assert_eq!((id.category(), id.key(), &*id.subject()), (category, key, subject));
        }
    }

    #[test]
    fn the_length_limit_is_exact() {
        let key_room = ActorId::MAX_ENCODED - "order.".len();
        assert!(ActorId::new(format!("order-{}", "x".repeat(key_room))).is_ok());
        let too_long = ActorId::new(format!("order-{}", "x".repeat(key_room + 1)));
        assert_eq!(too_long, Err(InvalidActorId::TooLong { encoded: ActorId::MAX_ENCODED + 1 }));
        assert_eq!(ActorId::new(""), Err(InvalidActorId::Empty));
    }

    proptest! {
        #[test]
        fn a_subject_names_its_actor_and_nobody_else(id in ".{1,60}") {
            let id = ActorId::new(id).unwrap();
            let subject = id.subject();
            prop_assert_eq!(subject.matches('.').count(), 1);
            prop_assert_eq!(ActorId::from_subject(&subject), Some(id));
        }

        #[test]
        fn a_subject_that_no_actor_has_is_refused(subject in "[a-z%~.=-]{0,9}") {
            if let Some(id) = ActorId::from_subject(&subject) {
                prop_assert_eq!(id.subject(), subject);
            }
        }
    }
}
