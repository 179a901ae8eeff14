//! What travels between senders and nodes, and how it is written.
//!
//! The first byte of a message is the version of the rest, in bincode. A version never changes once it was released: bincode
//! cannot read what has one field more. Whoever is asked in a version that it does not read says which ones it reads
//! ([`Body::Unreadable`], the one answer whose form never changes), and the sender speaks one that both know.
//!
//! Which attempt of a call a message belongs to is in its reply subject, so that it is known also of an answer that NATS
//! gives, and of one that cannot be read.

mod message;
#[cfg(test)]
mod tests;
mod version1;

use bytes::Bytes;
use uuid::Uuid;

use crate::Incarnation;

pub(crate) use message::{Body, Forwarded, Kind, Peer, Reply, Request, RequestedCommand, RequestedQuery};

/// What a message of one version looks like behind its first byte.
pub(super) struct Dialect {
    pub(super) number: u8,
    pub(super) write_request: fn(&Request, &mut Vec<u8>),
    pub(super) read_request: fn(&Bytes, &[u8]) -> Option<Request>,
    pub(super) write_reply: fn(&Reply, &mut Vec<u8>),
    pub(super) read_reply: fn(&Bytes, &[u8]) -> Option<Reply>,
    pub(super) write_peer: fn(&Peer, &mut Vec<u8>),
    pub(super) read_peer: fn(&Bytes, &[u8]) -> Option<Peer>,
}

const DIALECTS: &[Dialect] = &[
    version1::DIALECT,
    #[cfg(test)]
    tests::VERSION2,
];

/// The first byte of [`Body::Unreadable`], which every version reads. Behind it are the lowest and the highest version, and
/// who says so.
const UNREADABLE: u8 = 0;

/// A range of versions of the messages, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The lowest.
    pub lowest: u8,
    /// The highest.
    pub highest: u8,
}

/// A message that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message that cannot be read: of another version, or damaged")]
pub(crate) struct Unread;

impl Versions {
    /// The versions that this program reads: its own and the one before, as long as there is one.
    pub const OURS: Self = Self { lowest: 1, highest: 1 };

    /// Returns whether the version is in the range.
    #[must_use]
    pub fn contains(self, version: u8) -> bool {
        (self.lowest..=self.highest).contains(&version)
    }

    /// The highest version that all of these read; `None` if there is none, or if there are none of these.
    #[must_use]
    pub fn common(all: impl IntoIterator<Item = Self>) -> Option<u8> {
        let both =
            |a: Self, b: Self| Self { lowest: a.lowest.max(b.lowest), highest: a.highest.min(b.highest) };
        all.into_iter().reduce(both).filter(|range| range.lowest <= range.highest).map(|range| range.highest)
    }

    fn dialect(self, message: &[u8]) -> Result<(&'static Dialect, &[u8]), Unread> {
        let (version, body) = message.split_first().ok_or(Unread)?;
        let known = DIALECTS.iter().find(|dialect| dialect.number == *version);
        Ok((known.filter(|_| self.contains(*version)).ok_or(Unread)?, body))
    }

    /// Reads a request. The version that it was written in, and so the one to answer in.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn read_request(self, message: &Bytes) -> Result<(u8, Request), Unread> {
        let (dialect, body) = self.dialect(message)?;
        Ok((dialect.number, (dialect.read_request)(message, body).ok_or(Unread)?))
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn read_reply(self, message: &Bytes) -> Result<Reply, Unread> {
        if let Some((&UNREADABLE, body)) = message.split_first() {
            let (&[lowest, highest], from) = body.split_first_chunk().ok_or(Unread)?;
            let from: Incarnation = Uuid::from_slice(from).map_err(|_| Unread)?.into();
            let body = Body::Unreadable(Self { lowest, highest });
            return Ok(Reply { from, recorded: false, sequence: 0, body });
        }
        let (dialect, body) = self.dialect(message)?;
        (dialect.read_reply)(message, body).ok_or(Unread)
    }

    /// Reads what another node says.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) fn read_peer(self, message: &Bytes) -> Result<Peer, Unread> {
        let (dialect, body) = self.dialect(message)?;
        (dialect.read_peer)(message, body).ok_or(Unread)
    }
}

/// Writes in a version; in the lowest that there is, if it is none.
fn write(version: u8, capacity: usize, body: impl FnOnce(&Dialect, &mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(1 + capacity);
    let dialect = DIALECTS.iter().find(|dialect| dialect.number == version).unwrap_or(&version1::DIALECT);
    out.push(dialect.number);
    body(dialect, &mut out);
    out.into()
}

impl Request {
    /// Written in this version.
    #[must_use]
    pub(crate) fn write(&self, version: u8) -> Bytes {
        write(version, self.size(), |dialect, out| (dialect.write_request)(self, out))
    }
}

impl Reply {
    /// Written in this version.
    #[must_use]
    pub(crate) fn write(&self, version: u8) -> Bytes {
        if let Body::Unreadable(versions) = &self.body {
            let mut out = vec![UNREADABLE, versions.lowest, versions.highest];
            out.extend_from_slice(self.from.uuid().as_bytes());
            return out.into();
        }
        let size = match &self.body {
            Body::Done(data) | Body::Refused(data) | Body::Told(data) => data.len(),
            _ => 0,
        };
        write(version, 40 + size, |dialect, out| (dialect.write_reply)(self, out))
    }
}

impl Peer {
    /// Written in this version.
    #[must_use]
    pub(crate) fn write(&self, version: u8) -> Bytes {
        write(version, 64, |dialect, out| (dialect.write_peer)(self, out))
    }
}
