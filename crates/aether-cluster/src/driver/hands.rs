//! What is done about shards: each one's orders in their order, those of different shards at the same time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Driver;
use super::jobs::Done;
use crate::engine::{Order, Word};
use crate::routing::wire::Peer;
use crate::routing::{ClusterRouter, Stance};
use crate::{Incarnation, RoutingError, ShardId};

/// How long a subscription may take to be confirmed, or to be given up.
const WITHIN: Duration = Duration::from_secs(5);
/// How long to wait before a shard is listened to that could not be.
const LISTEN_AGAIN: Duration = Duration::from_millis(200);

/// The orders for one shard that wait until those before them are done.
#[derive(Debug, Default)]
pub(super) struct Hand {
    busy: bool,
    waiting: VecDeque<Order>,
}

impl Driver {
    /// Does this about a shard, after what was ordered before.
    pub(super) fn obey(&mut self, shard: ShardId, order: Order) {
        match order {
            Order::Hold(_) => self.report.holds(shard),
            Order::HandOver(..) => self.report.handed_over(shard),
            Order::Close => {
                self.closed.insert(shard);
            }
            Order::Act => {
                self.closed.remove(&shard);
            }
            Order::Listen(_) | Order::Keep | Order::Say(..) => {}
        }
        self.hands.entry(shard).or_default().waiting.push_back(order);
        if !self.hands.get(&shard).is_some_and(|hand| hand.busy) {
            self.go_on(shard);
        }
    }

    /// Does what waits for a shard, or lets it rest.
    pub(super) fn go_on(&mut self, shard: ShardId) {
        let Some(hand) = self.hands.get_mut(&shard) else { return };
        let orders = std::mem::take(&mut hand.waiting);
        hand.busy = !orders.is_empty();
        if !hand.busy {
            self.hands.remove(&shard);
            return;
        }
        let (router, me) = (Arc::clone(&self.router), self.me.incarnation);
        self.jobs.spawn(async move {
            let mut did = Did::default();
            for order in orders {
                match order {
                    Order::Listen(number) => {
                        listen(&router, shard).await;
                        did.listened = Some(number);
                    }
                    Order::Hold(_) => did.holds = true,
                    _ => {}
                }
                if let Err(error) = carry_out(&router, me, shard, order).await {
                    tracing::warn!(%shard, ?order, %error, "cannot be done");
                }
            }
            Done::Did(shard, did)
        });
    }

    /// The orders for a shard are done.
    pub(super) fn did(&mut self, shard: ShardId, did: Did) {
        if let Some(number) = did.listened {
            self.engine.listened(shard, number, self.now());
        }
        if did.holds {
            let router = Arc::clone(&self.router);
            self.jobs.spawn(async move {
                if let Err(error) = router.control().drain(shard).await {
                    tracing::warn!(%shard, %error, "cannot be waited for");
                }
                Done::Drained(shard)
            });
        }
        self.go_on(shard);
    }
}

/// What of the orders for a shard is to be told.
#[derive(Debug, Default)]
pub(super) struct Did {
    listened: Option<u32>,
    holds: bool,
}

/// Listens, however often that has to be tried: an order that comes after it waits for as long.
async fn listen(router: &ClusterRouter, shard: ShardId) {
    while let Err(error) = router.control().listen(shard, Instant::now() + WITHIN).await {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(%shard, %error, why, "a shard cannot be listened to yet");
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn carry_out(
    router: &ClusterRouter,
    me: Incarnation,
    shard: ShardId,
    order: Order,
) -> Result<(), RoutingError> {
    let control = router.control();
    match order {
        Order::Listen(_) => Ok(()),
        Order::Keep => control.prepare(shard).await,
        Order::Act => control.act(shard).await,
        Order::Hold(to) => control.hold(shard, to).await,
        Order::HandOver(to, since) => control.forward_to(shard, to, since).await,
        Order::Say(to, word, since) => {
            let peer = match word {
                Word::Ready => Peer::Ready { shard, since, from: me },
                Word::Release => Peer::Release { shard, since, from: me },
                Word::Taken => Peer::Released { shard, since, from: me },
            };
            control.tell(to, &peer).await
        }
        Order::Close => {
            // What still comes after a handover is sent on until nothing comes any more; else nothing more is begun.
            if !matches!(control.stance(shard), Stance::Forwarding(_)) {
                control.close(shard).await?;
            }
            control.unlisten(shard, Instant::now() + WITHIN).await?;
            control.close(shard).await
        }
    }
}
