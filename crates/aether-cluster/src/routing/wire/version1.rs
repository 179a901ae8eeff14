//! Version 1 of the messages. It does not change any more: fixtures under `tests/fixtures` hold it fast.
//!
//! bincode is unmaintained, so nothing of routing but the versions names it.

use std::time::Duration;

use aether_actor::Failure;
use aether_core::{ActorId, Context};
use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use bincode::{BorrowDecode, Encode};
use bytes::Bytes;
use uuid::Uuid;

use super::{Body, Dialect, Forwarded, Kind, Peer, Reply, Request, RequestedCommand, RequestedQuery};
use crate::{Incarnation, ShardId};

pub(super) const DIALECT: Dialect = Dialect {
    number: 1,
    write_request: |request, out| encode(WireRequest::from(request), out),
    read_request: |message, body| read_request(message, decode(body)?),
    write_reply: |reply, out| encode(wire_reply(reply, &failure(reply)), out),
    read_reply: |message, body| read_reply(message, decode(body)?),
    write_peer: |peer, out| encode(WirePeer::from(peer), out),
    read_peer: |message, body| read_peer(message, decode(body)?),
};

/// What decoding may allocate, so that a hostile length does not. The largest message of NATS is 64 MiB.
const LIMIT: usize = 64 * 1024 * 1024;

const CONFIG: Configuration<LittleEndian, Varint, Limit<LIMIT>> = config::standard().with_limit::<LIMIT>();

pub(super) fn encode(value: impl Encode, out: &mut Vec<u8>) {
    // Writing to a vector does not fail, and neither does any of the types here.
    let _ = bincode::encode_into_std_write(value, out, CONFIG);
}

pub(super) fn decode<'a, T: BorrowDecode<'a, ()>>(body: &'a [u8]) -> Option<T> {
    let (value, read) = bincode::borrow_decode_from_slice(body, CONFIG).ok()?;
    (read == body.len()).then_some(value)
}

#[derive(Encode, BorrowDecode)]
pub(super) struct WireRequest<'a> {
    to: Option<[u8; 16]>,
    actor: &'a str,
    seen: u64,
    left_micros: u64,
    kind: WireKind<'a>,
}

#[derive(Encode, BorrowDecode)]
enum WireKind<'a> {
    Command {
        id: [u8; 16],
        name: &'a str,
        data: &'a [u8],
        since: u64,
        recorded: bool,
        timer: Option<&'a str>,
        context: Option<WireContext<'a>>,
    },
    Query {
        name: &'a str,
        data: &'a [u8],
        linearizable: bool,
    },
}

#[derive(Encode, BorrowDecode)]
struct WireContext<'a> {
    correlation_id: Option<&'a str>,
    causation_id: Option<&'a str>,
}

#[derive(Encode, BorrowDecode)]
struct WireReply<'a> {
    from: [u8; 16],
    recorded: bool,
    sequence: u64,
    body: WireBody<'a>,
}

#[derive(Encode, BorrowDecode)]
enum WireBody<'a> {
    Done(&'a [u8]),
    Refused(&'a [u8]),
    DoneTooLarge,
    Told(&'a [u8]),
    /// A [`Failure`] as JSON: it is rare, and grows fields.
    Failed(&'a [u8]),
    Again(Option<[u8; 16]>),
    Overloaded,
    Expired,
}

#[derive(Encode, BorrowDecode)]
struct WirePeer<'a> {
    shard: u16,
    since: u64,
    from: [u8; 16],
    said: WireSaid<'a>,
}

#[derive(Encode, BorrowDecode)]
enum WireSaid<'a> {
    Ready,
    Forward(Vec<WireForwarded<'a>>),
    Release,
    Released,
}

#[derive(Encode, BorrowDecode)]
struct WireForwarded<'a> {
    reply: &'a str,
    request: WireRequest<'a>,
}

fn bytes_of(incarnation: Incarnation) -> [u8; 16] {
    incarnation.uuid().into_bytes()
}

fn incarnation(bytes: [u8; 16]) -> Incarnation {
    Uuid::from_bytes(bytes).into()
}

impl<'a> From<&'a Request> for WireRequest<'a> {
    fn from(request: &'a Request) -> Self {
        let kind = match &request.kind {
            Kind::Command(command) => WireKind::Command {
                id: command.id.uuid().into_bytes(),
                name: &command.name,
                data: &command.data,
                since: command.since,
                recorded: command.recorded,
                timer: command.timer.as_deref(),
                context: command.context.as_ref().map(|context| WireContext {
                    correlation_id: context.correlation_id.as_deref(),
                    causation_id: context.causation_id.as_deref(),
                }),
            },
            Kind::Query(query) => {
                WireKind::Query { name: &query.name, data: &query.data, linearizable: query.linearizable }
            }
        };
        Self {
            to: request.to.map(bytes_of),
            actor: request.actor.as_str(),
            seen: request.seen,
            left_micros: u64::try_from(request.left.as_micros()).unwrap_or(u64::MAX),
            kind,
        }
    }
}

pub(super) fn read_request(message: &Bytes, wire: WireRequest<'_>) -> Option<Request> {
    let kind = match wire.kind {
        WireKind::Command { id, name, data, since, recorded, timer, context } => {
            Kind::Command(RequestedCommand {
                id: Uuid::from_bytes(id).into(),
                name: name.to_owned(),
                data: message.slice_ref(data),
                since,
                recorded,
                timer: timer.map(str::to_owned),
                context: context.map(|wire| {
                    let mut context = Context::default();
                    context.correlation_id = wire.correlation_id.map(str::to_owned);
                    context.causation_id = wire.causation_id.map(str::to_owned);
                    context
                }),
            })
        }
        WireKind::Query { name, data, linearizable } => {
            Kind::Query(RequestedQuery { name: name.to_owned(), data: message.slice_ref(data), linearizable })
        }
    };
    Some(Request {
        to: wire.to.map(incarnation),
        actor: ActorId::new(wire.actor).ok()?,
        seen: wire.seen,
        left: Duration::from_micros(wire.left_micros),
        kind,
    })
}

fn failure(reply: &Reply) -> Vec<u8> {
    match &reply.body {
        // Texts and flags alone, so it can be written.
        Body::Failed(failure) => serde_json::to_vec(failure).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn wire_reply<'a>(reply: &'a Reply, failure: &'a [u8]) -> WireReply<'a> {
    let body = match &reply.body {
        Body::Done(data) => WireBody::Done(data),
        Body::Refused(data) => WireBody::Refused(data),
        Body::DoneTooLarge => WireBody::DoneTooLarge,
        Body::Told(data) => WireBody::Told(data),
        Body::Failed(_) => WireBody::Failed(failure),
        Body::Again(owner) => WireBody::Again(owner.map(bytes_of)),
        Body::Overloaded => WireBody::Overloaded,
        // Never here: it has a form of its own.
        Body::Expired | Body::Unreadable(_) => WireBody::Expired,
    };
    WireReply { from: bytes_of(reply.from), recorded: reply.recorded, sequence: reply.sequence, body }
}

fn read_reply(message: &Bytes, wire: WireReply<'_>) -> Option<Reply> {
    let body = match wire.body {
        WireBody::Done(data) => Body::Done(message.slice_ref(data)),
        WireBody::Refused(data) => Body::Refused(message.slice_ref(data)),
        WireBody::DoneTooLarge => Body::DoneTooLarge,
        WireBody::Told(data) => Body::Told(message.slice_ref(data)),
        WireBody::Failed(json) => Body::Failed(serde_json::from_slice::<Failure>(json).ok()?),
        WireBody::Again(owner) => Body::Again(owner.map(incarnation)),
        WireBody::Overloaded => Body::Overloaded,
        WireBody::Expired => Body::Expired,
    };
    Some(Reply { from: incarnation(wire.from), recorded: wire.recorded, sequence: wire.sequence, body })
}

impl<'a> From<&'a Peer> for WirePeer<'a> {
    fn from(peer: &'a Peer) -> Self {
        let (shard, since, from, said) = match peer {
            Peer::Ready { shard, since, from } => (shard, since, from, WireSaid::Ready),
            Peer::Forward { shard, since, from, requests } => {
                let requests = requests.iter().map(|forwarded| WireForwarded {
                    reply: &forwarded.reply,
                    request: WireRequest::from(&forwarded.request),
                });
                (shard, since, from, WireSaid::Forward(requests.collect()))
            }
            Peer::Release { shard, since, from } => (shard, since, from, WireSaid::Release),
            Peer::Released { shard, since, from } => (shard, since, from, WireSaid::Released),
        };
        Self { shard: shard.get(), since: *since, from: bytes_of(*from), said }
    }
}

fn read_peer(message: &Bytes, wire: WirePeer<'_>) -> Option<Peer> {
    let (shard, since, from) = (ShardId::new(wire.shard), wire.since, incarnation(wire.from));
    Some(match wire.said {
        WireSaid::Ready => Peer::Ready { shard, since, from },
        WireSaid::Forward(requests) => {
            let read = |forwarded: WireForwarded<'_>| {
                let request = read_request(message, forwarded.request)?;
                Some(Forwarded { reply: forwarded.reply.to_owned(), request })
            };
            let requests = requests.into_iter().map(read).collect::<Option<_>>()?;
            Peer::Forward { shard, since, from, requests }
        }
        WireSaid::Release => Peer::Release { shard, since, from },
        WireSaid::Released => Peer::Released { shard, since, from },
    })
}
