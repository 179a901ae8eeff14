//! [`Claim`]: what is in the key of a singleton.

use crate::Key;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who holds the singleton.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The name of the candidate, for people.
    pub(super) candidate: String,
    /// Which joining of it: a process that was started again is another one.
    pub(super) join: Uuid,
    /// The revision of the take-over, which only renewals know: the take-over itself is that revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<u64>,
}

impl Claim {
    pub(super) fn encode(&self) -> Bytes {
        // Text and numbers alone can always be written.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The claim in a key; `None` if somebody else has put something else there, which is honoured as long as it stands.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }
}

/// What the keys of a singleton are below.
pub(super) fn prefix(name: &str) -> Key {
    Key::root("singleton").child(name)
}

/// The key that its holder has leased.
pub(super) fn key(name: &str) -> Key {
    prefix(name).child("holder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_comes_back_as_it_was() {
        let taken = Claim { candidate: "a \"b\"".to_owned(), join: Uuid::from_u128(7), epoch: None };
        let renewed = Claim { epoch: Some(u64::MAX), ..taken.clone() };
        for claim in [taken, renewed] {
            assert_eq!(Claim::decode(&claim.encode()), Some(claim));
        }
        assert_eq!(Claim::decode(b"by hand"), None);
    }
}
