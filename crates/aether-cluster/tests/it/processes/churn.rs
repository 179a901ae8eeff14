//! Nodes come and go, in order and without a word, while orders are placed.

use std::time::Duration;

use super::ledger::prove;
use super::load::Load;
use super::node::Node;
use super::world::{World, is_settled, until};

/// How long a node may be silent: longer than a busy machine stands still.
const SUSPECT_AFTER: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_when_nodes_come_and_go() {
    let world = World::new(SUSPECT_AFTER).await;
    let (a, b, c) =
        (Node::start(&world, "a").await, Node::start(&world, "b").await, Node::start(&world, "c").await);
    world.shared_by(&[&a, &b, &c]).await;
    let load = Load::start(&world.client().await);
    load.more(50).await;
    a.leave().await;
    load.more(20).await;
    b.kill();
    let d = Node::start(&world, "d").await;
    world.shared_by(&[&c, &d]).await;
    load.more(50).await;
    let orders = load.stop().await;
    prove(&world, &orders, &d).await;
}

/// It does not know that others have what it had, and goes on with it when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_when_a_node_is_cut_off() {
    let world = World::new(SUSPECT_AFTER).await;
    let (a, b, c) =
        (Node::start(&world, "a").await, Node::start(&world, "b").await, Node::start(&world, "c").await);
    world.shared_by(&[&a, &b, &c]).await;
    let load = Load::start(&world.client().await);
    load.more(50).await;
    c.cut();
    world.shared_by(&[&a, &b]).await;
    load.more(20).await;
    c.restore();
    world.shared_by(&[&a, &b, &c]).await;
    load.more(50).await;
    let orders = load.stop().await;
    prove(&world, &orders, &c).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_finished_by_those_who_come_after_all_are_gone() {
    let world = World::new(SUSPECT_AFTER).await;
    let (a, b) = (Node::start(&world, "a").await, Node::start(&world, "b").await);
    world.shared_by(&[&a, &b]).await;
    let load = Load::start(&world.client().await);
    load.more(50).await;
    // The one that is left has much under way to the other when it ends as well.
    let under_way = || (world.witness.sent("b", "Ship"), world.witness.sent("b", "Reserve"));
    let before = under_way();
    a.kill();
    // On a slow machine it may take over before it has sent that much; from then on it waits for nothing.
    until("it waits for the other, or has taken over", async || {
        let now = under_way();
        (now.0 >= before.0 + 10 && now.1 >= before.1 + 10) || is_settled(&[&b], &b)
    })
    .await;
    b.kill();
    // What is asked meanwhile waits for somebody to answer.
    let (c, d) = (Node::start(&world, "c").await, Node::start(&world, "d").await);
    world.shared_by(&[&c, &d]).await;
    load.more(50).await;
    let orders = load.stop().await;
    prove(&world, &orders, &c).await;
}
