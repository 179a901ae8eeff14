//! A bell that rings by timers.

use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{Actor, ActorSystem, Command, CommandContext, Decision, Handle, Never};
use serde::{Deserialize, Serialize};

use super::world::{WITHIN, World};

const HOUR: Duration = Duration::from_secs(3600);

/// Rings when it is told to.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bell {
    rung: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
pub(crate) enum BellEvent {
    BellRung { tune: u32 },
    BellTuned,
}

/// Ring a tune later.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct RingLater {
    pub(crate) name: String,
    pub(crate) after: Duration,
    pub(crate) tune: u32,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Silence {
    pub(crate) name: String,
}

#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Ring {
    pub(crate) tune: u32,
}

/// Ring every hour, so many times.
#[derive(Debug, Serialize, Deserialize, Command)]
pub(crate) struct Chime {
    pub(crate) times: u32,
}

impl Actor for Bell {
    const CATEGORY: &'static str = "bell";
    type Event = BellEvent;
    type Error = Never;
    type Commands = (RingLater, Silence, Ring, Chime);
    type Queries = ();

    fn evolve(&mut self, event: &BellEvent) {
        if let BellEvent::BellRung { tune } = event {
            self.rung.push(*tune);
        }
    }
}

impl Handle<RingLater> for Bell {
    type Reply = ();

    fn decide(&self, command: &RingLater, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let RingLater { name, after, tune } = command;
        Ok(Decision::event(BellEvent::BellTuned).schedule(name, *after, Ring { tune: *tune }))
    }
}

impl Handle<Silence> for Bell {
    type Reply = ();

    fn decide(&self, command: &Silence, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::nothing().cancel(&command.name))
    }
}

impl Handle<Ring> for Bell {
    type Reply = ();

    fn decide(&self, command: &Ring, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::event(BellEvent::BellRung { tune: command.tune }))
    }
}

impl Handle<Chime> for Bell {
    type Reply = ();

    fn decide(&self, command: &Chime, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let rung = Decision::event(BellEvent::BellRung { tune: command.times });
        Ok(match command.times {
            0 => rung,
            left => rung.schedule("chime", HOUR, Chime { times: left - 1 }),
        })
    }
}

pub(crate) async fn later(system: &ActorSystem, bell: &str, name: &str, after: Duration, tune: u32) {
    let command = RingLater { name: name.into(), after, tune };
    system.actor::<Bell>(bell).ask(command).await.unwrap();
}

pub(crate) async fn silence(system: &ActorSystem, bell: &str, name: &str) {
    system.actor::<Bell>(bell).ask(Silence { name: name.into() }).await.unwrap();
}

/// What a bell has rung.
pub(crate) async fn rung(world: &World, bell: &str) -> Vec<u32> {
    let log = world.log().await;
    log.iter()
        .filter(|event| event.actor().key() == Some(bell) && event.event_type() == "BellRung")
        .map(|event| event.data::<serde_json::Value>().unwrap()["tune"].as_u64().unwrap())
        .map(|tune| u32::try_from(tune).unwrap())
        .collect()
}

pub(crate) async fn until_rung(world: &World, bell: &str, tunes: &[u32]) {
    let deadline = tokio::time::Instant::now() + WITHIN;
    loop {
        let rung = rung(world, bell).await;
        if rung == tunes {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{bell} has rung {rung:?}, not {tunes:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
