//! [`Outcome`]: what became of a command, as it is recorded; and the note of a commit, which holds the outcomes of its
//! commands.
//!
//! # The note
//! A version byte (1), then for each command: its id (16 bytes), a byte that says which outcome (0 done, 1 refused, 2 done
//! with a reply that was too large), the length of what follows as a little-endian `u16`, and the reply or the error as
//! JSON.

use bytes::{Buf, BufMut, Bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::CommandId;
use crate::error::{ActorError, AskError};

/// The largest reply or error that is recorded, in bytes.
pub(crate) const MAX_REPLY: usize = 4096;

const VERSION: u8 = 1;

/// What became of a command: its reply, or the actor's error, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Executed, with this reply.
    Done(Bytes),
    /// Refused, with this error.
    Refused(Bytes),
    /// Executed; the reply was larger than 4 KiB and was not kept.
    DoneTooLarge,
}

impl Outcome {
    /// Whether anything can be recorded of it. Not of a refusal that is too large: it has saved nothing, so deciding again
    /// does no harm.
    pub(crate) fn is_recordable(&self) -> bool {
        !matches!(self, Self::Refused(error) if error.len() > MAX_REPLY)
    }

    /// What is recorded of it, if [anything can be](Self::is_recordable).
    pub(crate) fn into_record(self) -> Option<Self> {
        match self {
            Self::Done(reply) if reply.len() > MAX_REPLY => Some(Self::DoneTooLarge),
            other => other.is_recordable().then_some(other),
        }
    }

    /// One word for metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Done(_) | Self::DoneTooLarge => "done",
            Self::Refused(_) => "refused",
        }
    }

    fn parts(&self) -> (u8, &[u8]) {
        match self {
            Self::Done(bytes) => (0, bytes),
            Self::Refused(bytes) => (1, bytes),
            Self::DoneTooLarge => (2, &[]),
        }
    }

    /// The bytes that it takes.
    pub(crate) fn len(&self) -> usize {
        self.parts().1.len()
    }
}

/// Writes the note of a commit.
pub(crate) fn write_note(outcomes: &[(CommandId, Outcome)]) -> Vec<u8> {
    let size = outcomes.iter().map(|(_, outcome)| 19 + outcome.len()).sum::<usize>();
    let mut note = Vec::with_capacity(1 + size);
    note.put_u8(VERSION);
    for (id, outcome) in outcomes {
        let (kind, bytes) = outcome.parts();
        note.put_slice(id.uuid().as_bytes());
        note.put_u8(kind);
        // At most `MAX_REPLY`.
        note.put_u16_le(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
        note.put_slice(bytes);
    }
    note
}

/// Reads the note of a commit; the error says what is wrong with it.
pub(crate) fn read_note(note: &Bytes) -> Result<Vec<(CommandId, Outcome)>, &'static str> {
    let mut note = note.clone();
    if note.try_get_u8() != Ok(VERSION) {
        return Err("the note of the commit is of another version");
    }
    let mut outcomes = Vec::with_capacity(1);
    while note.has_remaining() {
        outcomes.push(read_outcome(&mut note).ok_or("the note of the commit ends too early")?);
    }
    Ok(outcomes)
}

fn read_outcome(note: &mut Bytes) -> Option<(CommandId, Outcome)> {
    let id = Uuid::from_u128(note.try_get_u128().ok()?);
    let kind = note.try_get_u8().ok()?;
    let len = usize::from(note.try_get_u16_le().ok()?);
    if note.len() < len {
        return None;
    }
    let bytes = note.split_to(len);
    let outcome = match kind {
        0 => Outcome::Done(bytes),
        1 => Outcome::Refused(bytes),
        _ => Outcome::DoneTooLarge,
    };
    Some((id.into(), outcome))
}

/// Decodes what was decided from its record, or from how it travelled.
pub(crate) fn decoded<R, E>(outcome: &Outcome, id: CommandId) -> Result<R, AskError<E>>
where
    R: DeserializeOwned,
    E: std::error::Error + DeserializeOwned,
{
    match outcome {
        Outcome::Done(json) => Ok(decode(json, "a recorded reply")?),
        Outcome::Refused(json) => Err(AskError::Refused(decode(json, "a recorded error")?)),
        Outcome::DoneTooLarge => Err(ActorError::AlreadyDone { id }.into()),
    }
}

/// Encodes what was decided, as it is recorded.
pub(crate) fn encode<R: Serialize, E: Serialize>(decided: &Result<R, E>) -> Result<Outcome, ActorError> {
    Ok(match decided {
        Ok(reply) => Outcome::Done(to_json(reply, "a reply")?),
        Err(error) => Outcome::Refused(to_json(error, "an error")?),
    })
}

/// Writes a value as JSON; `what` names it in the error.
pub(crate) fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<Bytes, ActorError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| ActorError::convert(what, error))
}

/// Reads a value from JSON; `what` names it in the error.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8], what: &'static str) -> Result<T, ActorError> {
    serde_json::from_slice(json).map_err(|error| ActorError::convert(what, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back() {
        let outcomes = vec![
            (CommandId::new(), Outcome::Done(Bytes::from_static(b"17"))),
            (CommandId::new(), Outcome::Refused(Bytes::from_static(b"\"no\""))),
            (CommandId::new(), Outcome::Done(vec![b'1'; MAX_REPLY + 1].into()).into_record().unwrap()),
        ];
        let note = Bytes::from(write_note(&outcomes));
        assert_eq!(read_note(&note).unwrap(), outcomes);
        assert_eq!(outcomes[2].1, Outcome::DoneTooLarge);
        for len in 0..note.len() {
            let cut = read_note(&note.slice(..len));
            assert!(cut.is_err() || cut.is_ok_and(|read| read.len() < outcomes.len()));
        }
    }
}
