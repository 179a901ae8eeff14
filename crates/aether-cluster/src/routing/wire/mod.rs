//! What travels between senders and nodes, and how it is written.
//!
//! The first byte of a message is the version of the rest, in bincode. A version never changes once it was released: bincode
//! cannot read what has one field more. Whoever is asked in a version that it does not read says which ones it reads
//! ([`Body::Unreadable`], the one answer whose form never changes), and the sender speaks one that both know.
//!
//! Which attempt of a call a message belongs to is in its reply subject, so that it is known also of an answer that NATS
//! gives, and of one that cannot be read.

mod dialect;
mod peer;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod version1;
#[cfg(test)]
mod version2;

pub use dialect::{Unread, Versions};
pub use peer::{Forwarded, Peer};
pub use reply::{Body, Reply};
pub use request::{Kind, Request, RequestedCommand, RequestedQuery};
