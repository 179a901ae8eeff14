//! What is written is read back, today's bytes are those of the fixtures, and nothing that is sent makes reading panic.

use std::time::Duration;

use aether_actor::{ActorError, CommandId, Failure};
use aether_core::{ActorId, Context};
use bincode::{BorrowDecode, Encode};
use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::version1::{self, WireRequest, decode, encode, read_request};
use super::*;
use crate::{Incarnation, ShardId};

fn node(number: u128) -> Incarnation {
    Uuid::from_u128(number).into()
}

fn command() -> Request {
    let mut context = Context::default();
    context.correlation_id = Some("request-7".to_owned());
    context.causation_id = Some("event-3".to_owned());
    Request {
        to: Some(node(0x0102_0304)),
        actor: ActorId::new("account-17").unwrap(),
        seen: 300,
        left: Duration::from_micros(14_999_999),
        kind: Kind::Command(RequestedCommand {
            id: CommandId::from(Uuid::from_u128(99)),
            name: "Deposit".to_owned(),
            data: Bytes::from_static(b"{\"cents\":5}"),
            since: 70_000,
            recorded: true,
            timer: Some("reminder".to_owned()),
            context: Some(context),
        }),
    }
}

fn query() -> Request {
    Request {
        to: None,
        actor: ActorId::new("account-ä b").unwrap(),
        seen: 0,
        left: Duration::from_secs(1),
        kind: Kind::Query(RequestedQuery {
            name: "Balance".to_owned(),
            data: Bytes::from_static(b"null"),
            linearizable: true,
        }),
    }
}

fn replies() -> Vec<(&'static str, Reply)> {
    let reply = |body| Reply { from: node(5), recorded: true, sequence: 1 << 33, body };
    vec![
        ("done", reply(Body::Done(Bytes::from_static(b"17")))),
        ("refused", reply(Body::Refused(Bytes::from_static(b"{\"Overdrawn\":{\"by\":3}}")))),
        ("done-too-large", reply(Body::DoneTooLarge)),
        ("told", reply(Body::Told(Bytes::from_static(b"[1,2]")))),
        ("failed", reply(Body::Failed(Failure::from(&ActorError::Contended { attempts: 3 })))),
        ("again", reply(Body::Again(Some(node(6))))),
        ("overloaded", reply(Body::Overloaded)),
        ("expired", reply(Body::Expired)),
    ]
}

fn peers() -> Vec<(&'static str, Peer)> {
    let (shard, since, from) = (ShardId::new(1000), 12, node(8));
    let requests = vec![
        Forwarded { reply: "_INBOX.a.1-0".to_owned(), request: command() },
        Forwarded { reply: "_INBOX.b.2-1".to_owned(), request: query() },
    ];
    vec![
        ("ready", Peer::Ready { shard, since, from }),
        ("forward", Peer::Forward { shard, since, from, requests }),
        ("release", Peer::Release { shard, since, from }),
        ("released", Peer::Released { shard, since, from }),
    ]
}

/// All messages of version 1 by name, as they are written today.
fn written() -> Vec<(String, Bytes)> {
    let mut all = vec![
        ("request-command".to_owned(), command().write(1)),
        ("request-query".to_owned(), query().write(1)),
    ];
    all.extend(replies().into_iter().map(|(name, reply)| (format!("reply-{name}"), reply.write(1))));
    let unreadable = Body::Unreadable(Versions { lowest: 1, highest: 2 });
    let unreadable = Reply { from: node(5), recorded: false, sequence: 0, body: unreadable };
    all.push(("reply-unreadable".to_owned(), unreadable.write(1)));
    all.extend(peers().into_iter().map(|(name, peer)| (format!("peer-{name}"), peer.write(1))));
    all
}

/// One line for each message: its name, and its bytes in hexadecimal.
const FIXTURES: &str = include_str!("../../../tests/fixtures/routing-v1.txt");

fn fixture(name: &str) -> Bytes {
    let line = FIXTURES.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.unwrap_or_else(|| panic!("no fixture of {name}"));
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect::<Vec<_>>().into()
}

#[test]
fn today_writes_what_the_fixtures_hold() {
    let hex = |bytes: &Bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let today: String = written().iter().map(|(name, bytes)| format!("{name} {}\n", hex(bytes))).collect();
    assert_eq!(today, FIXTURES, "version 1 has changed");
}

#[test]
fn the_fixtures_are_read() {
    let ours = Versions::OURS;
    assert_eq!(ours.read_request(&fixture("request-command")).unwrap(), (1, command()));
    assert_eq!(ours.read_request(&fixture("request-query")).unwrap(), (1, query()));
    for (name, reply) in replies() {
        assert_eq!(ours.read_reply(&fixture(&format!("reply-{name}"))).unwrap(), reply);
    }
    let unreadable = ours.read_reply(&fixture("reply-unreadable")).unwrap();
    assert_eq!(unreadable.body, Body::Unreadable(Versions { lowest: 1, highest: 2 }));
    assert_eq!(unreadable.from, node(5));
    for (name, peer) in peers() {
        assert_eq!(ours.read_peer(&fixture(&format!("peer-{name}"))).unwrap(), peer);
    }
}

#[test]
fn another_version_is_not_read_and_a_cut_message_neither() {
    let both = Versions { lowest: 1, highest: 2 };
    let newer = command().write(2);
    assert_eq!(both.read_request(&newer).unwrap(), (2, command()));
    assert_eq!(Versions::OURS.read_request(&newer), Err(Unread));
    let only_newer = Versions { lowest: 2, highest: 2 };
    assert_eq!(only_newer.read_request(&command().write(1)), Err(Unread));
    for (name, bytes) in written() {
        for cut in 0..bytes.len() {
            let cut = bytes.slice(..cut);
            let unread = match name.split_once('-').unwrap().0 {
                "request" => both.read_request(&cut).is_err(),
                "reply" => both.read_reply(&cut).is_err(),
                _ => both.read_peer(&cut).is_err(),
            };
            assert!(unread, "{name} was read from {} bytes", cut.len());
        }
    }
}

#[test]
fn the_common_version_is_the_highest_that_all_read() {
    let range = |lowest, highest| Versions { lowest, highest };
    assert_eq!(Versions::common([range(1, 2), range(2, 3), range(1, 3)]), Some(2));
    assert_eq!(Versions::common([range(1, 1), range(2, 3)]), None);
    assert_eq!(Versions::common([]), None);
}

proptest! {
    #[test]
    fn garbage_is_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), version in 0_u8..4) {
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        let bytes = Bytes::from(bytes);
        let both = Versions { lowest: 1, highest: 2 };
        let _ = (both.read_request(&bytes), both.read_reply(&bytes), both.read_peer(&bytes));
    }

    #[test]
    fn damage_is_an_error_or_another_message(at in 0_usize..4096, to in any::<u8>(), which in 0_usize..15) {
        let (_, bytes) = written().swap_remove(which);
        let mut bytes = bytes.to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        let bytes = Bytes::from(bytes);
        let both = Versions { lowest: 1, highest: 2 };
        let _ = (both.read_request(&bytes), both.read_reply(&bytes), both.read_peer(&bytes));
    }
}

pub(super) const VERSION2: Dialect = Dialect {
    number: 2,
    write_request: |request, out| {
        encode(Wire { priority: 7, request: WireRequest::from(request) }, out);
    },
    read_request: |message, body| {
        let wire: Wire<'_> = decode(body)?;
        (wire.priority == 7).then(|| read_request(message, wire.request))?
    },
    ..version1::DIALECT
};

#[derive(Encode, BorrowDecode)]
struct Wire<'a> {
    priority: u8,
    request: WireRequest<'a>,
}
