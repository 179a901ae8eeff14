//! The same counter as an actor of kameo and of ractor: in memory alone, nothing is saved.

use std::convert::Infallible;
use std::hint::black_box;

use kameo::actor::Spawn;
use kameo::message::{Context, Message};
use ractor::rpc::CallResult;
use ractor::{ActorProcessingErr, RpcReplyPort};

use super::asking::Target;

/// A counter of kameo.
#[derive(Debug, Default)]
pub(crate) struct Kameo {
    placed: u64,
}

/// Reads the counter.
pub(crate) struct Get;
/// Counts one.
pub(crate) struct Add;

impl kameo::Actor for Kameo {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: kameo::actor::ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

impl Message<Get> for Kameo {
    type Reply = u64;

    async fn handle(&mut self, _: Get, _: &mut Context<Self, u64>) -> u64 {
        self.placed
    }
}

impl Message<Add> for Kameo {
    type Reply = u64;

    async fn handle(&mut self, _: Add, _: &mut Context<Self, u64>) -> u64 {
        self.placed += 1;
        self.placed
    }
}

/// Starts so many of kameo's.
pub(crate) fn kameos(count: usize) -> Vec<kameo::actor::ActorRef<Kameo>> {
    (0..count).map(|_| Kameo::spawn(Kameo::default())).collect()
}

/// A counter of ractor.
#[derive(Debug)]
pub(crate) struct Ractor;

/// What it takes.
#[derive(Debug)]
pub(crate) enum ToRactor {
    Get(RpcReplyPort<u64>),
    Add(RpcReplyPort<u64>),
}

impl ractor::Actor for Ractor {
    type Msg = ToRactor;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<ToRactor>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<ToRactor>,
        message: ToRactor,
        placed: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ToRactor::Get(reply) => Ok(reply.send(*placed)?),
            ToRactor::Add(reply) => {
                *placed += 1;
                Ok(reply.send(*placed)?)
            }
        }
    }
}

/// Starts so many of ractor's.
pub(crate) async fn ractors(count: usize) -> anyhow::Result<Vec<ractor::ActorRef<ToRactor>>> {
    let mut actors = Vec::with_capacity(count);
    for _ in 0..count {
        actors.push(ractor::Actor::spawn(None, Ractor, ()).await?.0);
    }
    Ok(actors)
}

/// Reads a counter of kameo.
pub(crate) struct KameoGet(pub(crate) kameo::actor::ActorRef<Kameo>);
/// Counts one with kameo.
pub(crate) struct KameoAdd(pub(crate) kameo::actor::ActorRef<Kameo>);
/// Reads a counter of ractor.
pub(crate) struct RactorGet(pub(crate) ractor::ActorRef<ToRactor>);
/// Counts one with ractor.
pub(crate) struct RactorAdd(pub(crate) ractor::ActorRef<ToRactor>);

impl Target for KameoGet {
    async fn ask(&self) -> anyhow::Result<()> {
        black_box(self.0.ask(Get).await?);
        Ok(())
    }
}

impl Target for KameoAdd {
    async fn ask(&self) -> anyhow::Result<()> {
        black_box(self.0.ask(Add).await?);
        Ok(())
    }
}

impl Target for RactorGet {
    async fn ask(&self) -> anyhow::Result<()> {
        call(&self.0, ToRactor::Get).await
    }
}

impl Target for RactorAdd {
    async fn ask(&self) -> anyhow::Result<()> {
        call(&self.0, ToRactor::Add).await
    }
}

/// Asks without a timeout.
async fn call(
    actor: &ractor::ActorRef<ToRactor>,
    message: fn(RpcReplyPort<u64>) -> ToRactor,
) -> anyhow::Result<()> {
    match actor.call(message, None).await? {
        CallResult::Success(answer) => {
            black_box(answer);
            Ok(())
        }
        _ => anyhow::bail!("an actor has not answered"),
    }
}
