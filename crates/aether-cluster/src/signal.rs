//! [`Message`]: what nodes tell everybody, and how it is written.

use aether_coordination::Pulse;
use aether_core::Source;
use bincode::config::{Configuration, Limit};
use bincode::{Decode, Encode};
use bytes::Bytes;
use uuid::Uuid;

use crate::plan::{Epoch, Plan};
use crate::record::{from_json, to_json};
use crate::{Incarnation, Node, NodeId, ShardId};

/// What nodes tell everybody.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// A node is alive.
    Pulse(Beat),
    /// A node is gone.
    Goodbye(Incarnation),
    /// A node does not lead any more, as it did in this epoch: nobody has to wait until it is silent.
    Resigned(Incarnation, Epoch),
    /// What the leader has written, and where that is in the history of the key.
    Plan(Plan, u64),
}

/// What a node says when it lets itself be heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beat {
    pub(crate) node: Node,
    pub(crate) count: u64,
    pub(crate) hello: bool,
    /// The epoch in which it leads, if it does.
    pub(crate) leads: Option<Epoch>,
    /// The revision of the plan that it knows.
    pub(crate) plan: u64,
    /// The shards that it has been given and acts for, though the plan does not say so yet, with their moves.
    pub(crate) moved: Vec<(ShardId, u64)>,
    /// The highest sequence of the store that it has seen.
    pub(crate) sequence: u64,
}

impl Beat {
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse { count: self.count, hello: self.hello }
    }
}

/// The first byte: the version of what follows. Fields are never added to a version: bincode could not read them. What a
/// node cannot read it leaves out, so a new version is sent only when all members read it.
const VERSION: u8 = 1;

/// More than any plan takes.
const LIMIT: usize = 1 << 20;

const CONFIG: Configuration<bincode::config::LittleEndian, bincode::config::Varint, Limit<LIMIT>> =
    bincode::config::standard().with_limit::<LIMIT>();

/// A message as it is written.
#[derive(Encode, Decode)]
enum Written {
    Pulse {
        id: String,
        incarnation: u128,
        count: u64,
        hello: bool,
        leads: Option<u64>,
        plan: u64,
        moved: Vec<(u16, u64)>,
        sequence: u64,
    },
    Goodbye(u128),
    Resigned(u128, u64),
    /// The plan is JSON, as it is in its key.
    Plan(Vec<u8>, u64),
}

pub(crate) fn encode(message: Message) -> Bytes {
    let written = match message {
        Message::Pulse(beat) => Written::Pulse {
            id: beat.node.id.into(),
            incarnation: beat.node.incarnation.uuid().as_u128(),
            count: beat.count,
            hello: beat.hello,
            leads: beat.leads.map(Epoch::get),
            plan: beat.plan,
            moved: beat.moved.into_iter().map(|(shard, since)| (shard.get(), since)).collect(),
            sequence: beat.sequence,
        },
        Message::Goodbye(incarnation) => Written::Goodbye(incarnation.uuid().as_u128()),
        Message::Resigned(incarnation, epoch) => Written::Resigned(incarnation.uuid().as_u128(), epoch.get()),
        Message::Plan(plan, revision) => Written::Plan(to_json(&plan).to_vec(), revision),
    };
    let mut bytes = vec![VERSION];
    // Writing to a vector does not fail.
    let _ = bincode::encode_into_std_write(written, &mut bytes, CONFIG);
    bytes.into()
}

/// What a node cannot read.
#[derive(Debug, thiserror::Error)]
#[error("a message of another version")]
struct OtherVersion;

pub(crate) fn decode(bytes: &[u8]) -> Result<Message, Source> {
    let body = bytes.strip_prefix(&[VERSION]).ok_or(OtherVersion)?;
    let (written, _) = bincode::decode_from_slice::<Written, _>(body, CONFIG)?;
    Ok(match written {
        Written::Pulse { id, incarnation, count, hello, leads, plan, moved, sequence } => {
            Message::Pulse(Beat {
                node: Node { id: NodeId::new(id)?, incarnation: Uuid::from_u128(incarnation).into() },
                count,
                hello,
                leads: leads.map(Epoch::new),
                plan,
                moved: moved.into_iter().map(|(shard, since)| (ShardId::new(shard), since)).collect(),
                sequence,
            })
        }
        Written::Goodbye(incarnation) => Message::Goodbye(Uuid::from_u128(incarnation).into()),
        Written::Resigned(incarnation, epoch) => {
            Message::Resigned(Uuid::from_u128(incarnation).into(), Epoch::new(epoch))
        }
        Written::Plan(json, revision) => Message::Plan(from_json(&json)?, revision),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were() {
        let node = Node { id: NodeId::new("a").unwrap(), incarnation: Uuid::from_u128(7).into() };
        let beat = Beat {
            node: node.clone(),
            count: 3,
            hello: true,
            leads: Some(Epoch::new(9)),
            plan: 12,
            moved: vec![(ShardId::new(3), 4)],
            sequence: 1 << 40,
        };
        let plan = Plan { epoch: Epoch::new(9), nodes: vec![node.clone()], ..Plan::empty(4) };
        let resigned = Message::Resigned(node.incarnation, Epoch::new(9));
        for message in
            [Message::Pulse(beat), Message::Goodbye(node.incarnation), resigned, Message::Plan(plan, 17)]
        {
            let bytes = encode(message.clone());
            assert_eq!(decode(&bytes).unwrap(), message);
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err());
            }
        }
        assert!(decode(&[VERSION + 1, 0]).is_err());
    }
}
