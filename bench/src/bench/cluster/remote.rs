//! Queries and commands to other processes, against bare requests and against the same commands in one process.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::{ActorOptions, Store};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use anyhow::Context;
use bytes::Bytes;
use futures_util::StreamExt;

use super::node::{Setting, echo_subject};
use super::stage::{Stage, Timing};
use crate::actors::asking::{Askers, Target, latency};
use crate::actors::order::Placed;
use crate::actors::targets::{Query, Saving, system};
use crate::nats::runtime;
use crate::report::{Goal, Report, Row};
use crate::rounds::medians;

const ROUNDS: usize = 7;
const IN_FLIGHT: usize = 256;
const ACTORS: usize = 2_048;
/// One after the other, in a round.
const ONE_BY_ONE: usize = 1_000;
/// By each of those in flight, in a round.
const EACH: usize = 40;

/// Queries, against bare requests of as many bytes to the same processes.
pub(crate) fn queries(report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let stage = runtime.block_on(Stage::on_one(3, Timing::Default))?;
    let (asked, answered) = runtime.block_on(sizes(&stage))?;
    let client = runtime.block_on(stage.setting.connect())?;
    let subjects: Vec<String> = stage.names().iter().map(|name| echo_subject(name)).collect();
    let request = |n: usize| {
        let mut bytes = vec![0_u8; asked.max(4)];
        bytes[..4].copy_from_slice(&u32::try_from(answered).unwrap_or(u32::MAX).to_le_bytes());
        let subject = subjects[n % subjects.len()].clone();
        Bare { client: client.clone(), subject, bytes: bytes.into() }
    };
    let query = |n: usize| Query(stage.client.actor(n));
    let (queries, bare) = (
        Askers::share(IN_FLIGHT, (0..ACTORS).map(query).collect()),
        Askers::share(IN_FLIGHT, (0..ACTORS).map(request).collect()),
    );
    // All are loaded before anything is measured.
    queries.rate(&runtime, EACH)?;
    bare.rate(&runtime, EACH)?;
    let (one, one_bare) = (Arc::new(query(1)), Arc::new(request(1)));
    let [p50, p50_bare, rate, rate_bare] = medians(
        ROUNDS,
        [
            &mut || latency(&runtime, &one, ONE_BY_ONE),
            &mut || latency(&runtime, &one_bare, ONE_BY_ONE),
            &mut || queries.rate(&runtime, EACH),
            &mut || bare.rate(&runtime, EACH),
        ],
    )?;
    report.add(
        Row::new("remote: a query, one after the other, p50", p50 / 1000.0, "µs")
            .against(p50_bare / 1000.0)
            .goal(Goal::AtMost(1.25))
            .note(format!("against a bare request of as many bytes: {asked} there, {answered} back")),
    );
    report.add(
        Row::new("remote: queries, 256 in flight", rate, "queries/s")
            .against(rate_bare)
            .goal(Goal::AtLeast(0.8))
            .note("against as many bare requests, to the same three processes"),
    );
    Ok(())
}

/// Commands that save an event, against the same in the process that asks.
pub(crate) fn commands(report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let stage = runtime.block_on(Stage::on_one(3, Timing::Default))?;
    let here = runtime.block_on(async {
        let config = JetStreamConfig::new("local").namespace(&stage.setting.namespace);
        let store = JetStreamEventStore::create(stage.setting.connect().await?, config).await?;
        let store: Arc<dyn Store> = Arc::new(store);
        system(&store, ActorOptions::default()).await
    })?;
    let remote = Askers::share(IN_FLIGHT, (0..ACTORS).map(|n| Saving(stage.client.actor(n))).collect());
    let local = Askers::share(IN_FLIGHT, (0..ACTORS).map(|n| Saving(here.actor(n))).collect());
    remote.rate(&runtime, EACH)?;
    local.rate(&runtime, EACH)?;
    let [remote, local] =
        medians(ROUNDS, [&mut || remote.rate(&runtime, EACH), &mut || local.rate(&runtime, EACH)])?;
    report.add(
        Row::new("remote: an ask that saves an event, 256 in flight", remote, "asks/s")
            .against(local)
            .goal(Goal::AtLeast(0.6))
            .note("R1; at three processes, against the same in the process that asks"),
    );
    Ok(())
}

/// The same commands at one node and at three.
pub(crate) fn scale(report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let [one, three] = [1, 3].map(|nodes| runtime.block_on(Stage::on_one(nodes, Timing::Default)));
    let (one, three) = (one?, three?);
    let asks = |stage: &Stage| {
        Askers::share(IN_FLIGHT, (0..ACTORS).map(|n| Saving(stage.client.actor(n))).collect())
    };
    let (at_one, at_three) = (asks(&one), asks(&three));
    at_one.rate(&runtime, EACH)?;
    at_three.rate(&runtime, EACH)?;
    let [at_one, at_three] =
        medians(ROUNDS, [&mut || at_one.rate(&runtime, EACH), &mut || at_three.rate(&runtime, EACH)])?;
    let cores = std::thread::available_parallelism()?;
    report.add(
        Row::new("scale: an ask that saves an event, at three nodes", at_three, "asks/s")
            .against(at_one)
            .note(format!("against one node; servers, nodes and askers share {cores} cores")),
    );
    Ok(())
}

/// A bare request.
struct Bare {
    client: async_nats::Client,
    subject: String,
    bytes: Bytes,
}

impl Target for Bare {
    async fn ask(&self) -> anyhow::Result<()> {
        self.client.request(self.subject.clone(), self.bytes.clone()).await?;
        Ok(())
    }
}

/// How many bytes a query and its answer have, as they are seen on the way.
async fn sizes(stage: &Stage) -> anyhow::Result<(usize, usize)> {
    let Setting { namespace, .. } = &stage.setting;
    let spy = stage.setting.connect().await?;
    let mut requests = spy.subscribe(format!("aether.{namespace}_cluster.shard.*")).await?;
    let mut replies = spy.subscribe("_INBOX.>").await?;
    let order = stage.client.actor::<crate::actors::order::Order>(0);
    let seen = tokio::time::timeout(Duration::from_secs(10), async {
        // When this has come, the server has both subscriptions; a flush says only that they were written.
        spy.publish("_INBOX.spy", Bytes::new()).await?;
        replies.next().await.context("nothing is heard")?;
        order.query(Placed).await?;
        let request = requests.next().await.context("no request is seen")?;
        loop {
            let reply = replies.next().await.context("no reply is seen")?;
            if Some(&reply.subject) == request.reply.as_ref() {
                return anyhow::Ok((request.payload.len(), reply.payload.len()));
            }
        }
    });
    seen.await.context("no query is seen on its way")?
}
