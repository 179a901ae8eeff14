//! Candidates in simulated time: clocks that run wrong, messages that are lost or late, servers that are down and disagree
//! about the time, processes that are stopped, suspended, killed, and started again. By seeds; a failure names its own.

mod node;
mod world;

use std::time::Duration;

use self::world::{Violation, Weather, World};
use super::election::Mutant;

const SECOND: Duration = Duration::from_secs(1);
/// How many different worlds each test looks at.
const SEEDS: u64 = 2_000;

/// Whatever can happen happens for a minute and a half; when it is over, one of them comes to hold it and keeps it.
fn storm(seed: u64, mutant: Option<Mutant>) -> Result<u64, Violation> {
    let mut world = World::new(seed, 3 + usize::try_from(seed % 3).unwrap_or_default(), mutant);
    let loss = 0.1 * world.random.f64();
    world.weather = Weather { loss, late: 2.0 * loss, longest: SECOND * 8 };
    for _ in 0..60 {
        let node = world.any();
        let is_alive = world.nodes[node].election.is_some();
        let runs = world.now >= world.nodes[node].stopped_until;
        match world.random.u8(..24) {
            0 | 1 if is_alive => world.nodes[node].kill(),
            2 if is_alive && runs && !world.nodes[node].leaves => world.leave(node),
            0..=4 if !is_alive && runs => world.start(node),
            5 | 6 => {
                let span = world.span(4.0, 9.0);
                world.outage(span);
            }
            7 | 8 => world.change_leader(),
            9 => world.store.stale_until = world.now + world.span(1.0, 13.0),
            10 | 11 if runs => world.nodes[node].stopped_until = world.now + world.span(0.5, 20.0),
            12 if runs => {
                let (now, span) = (world.now, world.span(1.0, 40.0));
                world.nodes[node].suspend(now, span);
            }
            13 | 14 => world.nodes[node].cut_off_until = world.now + world.span(1.0, 20.0),
            _ => {}
        }
        let span = world.span(0.0, 3.0);
        world.run(span)?;
    }
    calm(&mut world)?;
    Ok(world.gained)
}

fn calm(world: &mut World) -> Result<(), Violation> {
    world.weather = Weather::default();
    (world.store.down_until, world.store.stale_until) = (world.now, world.now);
    world.nodes.iter_mut().for_each(|node| node.cut_off_until = Duration::ZERO);
    // Some are suspended for a while yet.
    let awake = world.nodes.iter().map(|node| node.stopped_until).max().unwrap_or_default();
    world.run(awake.saturating_sub(world.now))?;
    let dead: Vec<usize> =
        (0..world.nodes.len()).filter(|node| world.nodes[*node].election.is_none()).collect();
    for node in dead {
        world.start(node);
    }
    // What is still under way, the longest that a key can live by clocks that disagree, and a poll by a slow clock.
    let timing = world.timing;
    let bound = SECOND * 8 + timing.ttl + timing.clock_tolerance() + timing.poll_every.div_f64(0.9) + SECOND;
    world.run(bound)?;
    let Some(holder) = world.holder() else {
        return Err(format!("nobody holds it {bound:?} after the last fault"));
    };
    let gained = world.gained;
    world.run(SECOND * 30)?;
    if world.holder() != Some(holder) || world.gained != gained {
        return Err("it changes hands without need".to_owned());
    }
    Ok(())
}

/// A healthy holder lives through the elections of the servers.
fn elections(seed: u64, mutant: Option<Mutant>) -> Result<u64, Violation> {
    let mut world = World::new(seed, 3, mutant);
    world.run(SECOND * 5)?;
    for _ in 0..4 {
        let span = world.span(4.0, 9.0);
        world.outage(span);
        let rest = world.span(2.0, 6.0);
        world.run(span + rest)?;
    }
    if world.gained == 1 { Ok(4) } else { Err("a healthy holder has lost it".to_owned()) }
}

/// Who leaves is followed at once, and who is killed when its key has expired.
fn successions(seed: u64, mutant: Option<Mutant>) -> Result<u64, Violation> {
    let mut world = World::new(seed, 3, mutant);
    world.run(SECOND * 5)?;
    for leaves in [true, false, true, false] {
        let Some(holder) = world.holder() else { return Err("nobody holds it".to_owned()) };
        let within = if leaves {
            world.leave(holder);
            SECOND / 2
        } else {
            world.nodes[holder].kill();
            world.timing.ttl + world.timing.poll_every.div_f64(0.9) + SECOND / 2
        };
        world.run(within)?;
        if world.holder().is_none_or(|next| next == holder) {
            return Err(format!("nobody has followed within {within:?}"));
        }
        if world.nodes[holder].election.is_none() {
            world.start(holder);
        }
        let rest = world.span(1.0, 5.0);
        world.run(rest)?;
    }
    Ok(world.gained)
}

type Scenario = fn(u64, Option<Mutant>) -> Result<u64, Violation>;

fn holds(scenario: Scenario, at_least: u64) {
    let mut count = 0;
    for seed in 0..SEEDS {
        match scenario(seed, None) {
            Ok(gained) => count += gained,
            Err(violation) => panic!("seed {seed}: {violation}"),
        }
    }
    assert!(count >= SEEDS * at_least, "{count}");
}

#[test]
fn whatever_happens_two_never_hold_it_and_somebody_does_in_the_end() {
    holds(storm, 3);
}

#[test]
fn a_healthy_holder_keeps_it_while_servers_elect_their_leader() {
    holds(elections, 4);
}

#[test]
fn who_goes_is_followed() {
    holds(successions, 5);
}

#[test]
fn each_rule_that_is_left_out_is_noticed() {
    let mutants: [(Mutant, Scenario); 8] = [
        (Mutant::CountedFromAck, storm),
        (Mutant::RenewedForever, storm),
        (Mutant::TimeoutIsFailure, elections),
        (Mutant::TimeoutIsSuccess, storm),
        (Mutant::EpochKept, storm),
        (Mutant::GainedByRead, storm),
        (Mutant::Revived, storm),
        (Mutant::KeyLeftBehind, successions),
    ];
    for (mutant, scenario) in mutants {
        let noticed = (0..SEEDS).find(|seed| scenario(*seed, Some(mutant)).is_err());
        assert!(noticed.is_some(), "{mutant:?}");
    }
}
