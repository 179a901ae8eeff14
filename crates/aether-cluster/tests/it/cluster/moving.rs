//! Shards move while commands come, and none is lost, refused in vain, or executed twice.

use super::counter::Counter;
use super::load::Load;
use super::world::{SOON, World, settled, until};

#[tokio::test(flavor = "multi_thread")]
async fn scaling_out_and_in_fails_no_command() {
    let world = World::new();
    let a = world.node("a").await;
    settled(&[&a]).await;
    let client = world.client().await;
    let load = Load::start(40, |counter| client.actor::<Counter>(counter));
    load.more(200).await;
    let b = world.node("b").await;
    let c = world.node("c").await;
    settled(&[&a, &b, &c]).await;
    load.more(200).await;
    // One after the other is started anew, as a new version of a program is brought out.
    a.leave(SOON).await.unwrap();
    drop(a);
    settled(&[&b, &c]).await;
    let a = world.node("a").await;
    settled(&[&a, &b, &c]).await;
    b.leave(SOON).await.unwrap();
    drop(b);
    settled(&[&a, &c]).await;
    load.more(200).await;
    let counted = load.stop().await;
    counted.check(|counter| client.actor::<Counter>(counter)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_loses_no_command() {
    let world = World::new();
    let (a, b, c) = (world.node("a").await, world.node("b").await, world.node("c").await);
    settled(&[&a, &b, &c]).await;
    let client = world.client().await;
    let load = Load::start(40, |counter| client.actor::<Counter>(counter));
    load.more(200).await;
    // Without a word.
    drop(b);
    settled(&[&a, &c]).await;
    load.more(200).await;
    // The leader as well.
    let (leader, other) = if a.is_leader() { (a, c) } else { (c, a) };
    drop(leader);
    settled(&[&other]).await;
    until("it leads now", || other.is_leader()).await;
    load.more(200).await;
    let counted = load.stop().await;
    counted.check(|counter| client.actor::<Counter>(counter)).await;
}
