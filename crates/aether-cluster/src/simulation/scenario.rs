//! [`run`]: the life of a cluster from a seed; [`Mutant`]: a rule left out on purpose; [`Counts`] and [`Violation`]: the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::faults::Trouble;
use super::host::Host;
use super::net::Place;
use super::world::World;
use crate::NodeId;

const SECOND: Duration = Duration::from_secs(1);

/// Lets a simulated cluster live, which is drawn from the seed as everything that happens to it. The same seed gives the
/// same run.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn run(seed: u64) -> Result<Counts, Violation> {
    live(seed, None, false)
}

/// [`run`], with what has happened last in the violation.
///
/// # Errors
/// As [`run`].
pub fn trace(seed: u64) -> Result<Counts, Violation> {
    live(seed, None, true)
}

/// A run in which a rule may be broken.
pub(super) fn live(seed: u64, mutant: Option<Mutant>, traced: bool) -> Result<Counts, Violation> {
    let world = World::new(seed, mutant, traced);
    let world = match seed % 8 {
        0 => orderly(world),
        1 => one_frozen(world),
        2 => storm(world, Trouble::WithNodes),
        3 => storm(world, Trouble::WithStore),
        _ => storm(world, Trouble::Any),
    };
    world.verdict()
}

/// A cluster at rest, with senders.
fn grown(mut world: World, on_nodes: usize) -> World {
    let nodes = world.random.usize(5..=7);
    for _ in 0..nodes {
        let node = world.add_host();
        world.start(node);
        let pause = Duration::from_millis(world.random.u64(..400));
        world.run(pause);
    }
    world.run(world.suspect_after * 2);
    let senders = world.random.usize(8..=16);
    for number in 0..senders {
        let place = if number < on_nodes { Place::node(number % nodes) } else { Place::client(number) };
        world.add_sender(place);
    }
    world
}

/// Everything that can go wrong.
fn storm(world: World, trouble: Trouble) -> World {
    let mut world = grown(world, 4);
    let steps = world.random.u8(10..30);
    // Some worlds are much worse than others.
    let badness = world.random.u8(1..=4);
    for _ in 0..steps {
        for _ in 0..badness {
            if world.random.u8(..3) == 0 {
                world.go_wrong(trouble);
            }
        }
        if world.random.u8(..6) == 0 {
            world.come_back_later();
        }
        world.run(SECOND);
        if world.is_wrong() {
            return world;
        }
    }
    world.come_to_rest();
    world
}

/// Nodes come and go in order, one after the other, and nothing goes wrong.
fn orderly(mut world: World) -> World {
    world.calm = true;
    let mut world = grown(world, 0);
    world.run(SECOND * 5);
    world.judge.strict_since = Some(world.now);
    world.judge.nobody_fails = true;
    world.run(SECOND);
    for _ in 0..world.random.u8(3..8) {
        match world.random.u8(..5) {
            0 => world.join(),
            // Often the same ones, so that shards go to and fro.
            _ => {
                let node = world.random.usize(..3);
                world.leave(node);
                let until = world.now + SECOND * 20;
                while world.process(node).is_some_and(|process| !process.stopped) && !world.is_wrong() {
                    world.run(SECOND / 10);
                    if world.now > until {
                        world.wrong(|| format!("n{node} cannot leave"));
                    }
                }
                world.run(SECOND);
                world.start(node);
            }
        }
        world.run(SECOND * 3);
        if world.is_wrong() {
            return world;
        }
    }
    world.judge.nobody_fails = false;
    world.come_to_rest();
    world
}

/// A node is frozen for long. Once its shards are others', nobody is in its way.
fn one_frozen(mut world: World) -> World {
    world.calm = true;
    let mut world = grown(world, 0);
    world.run(SECOND * 5);
    let node = world.random.usize(..world.hosts.len());
    let suspended = world.random.bool();
    world.freeze_for(node, world.suspect_after * 3 + SECOND * 15, suspended);
    world.run(world.suspect_after * 2 + SECOND * 6);
    world.judge.strict_since = Some(world.now);
    world.run(SECOND * 5);
    world.judge.strict_since = None;
    world.come_to_rest();
    world
}

impl World {
    pub(super) fn add_host(&mut self) -> usize {
        let number = self.hosts.len();
        if let Ok(id) = NodeId::new(format!("n{number}")) {
            self.hosts.push(Host { id, process: None, ghost: (BTreeSet::new(), Duration::ZERO) });
        }
        number
    }

    /// Some of those who have left are started again.
    fn come_back_later(&mut self) {
        for node in 0..self.hosts.len() {
            if self.process(node).is_some_and(|process| process.stopped) && self.random.bool() {
                self.start(node);
            }
        }
    }
}

/// A rule of the cluster that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// An old leader goes on writing after it has seen the plan of a newer one.
    NoEpochCheck,
    /// A new leader does not begin by stamping the plan.
    NotStamped,
    /// A barrier is taken as passed if a read says that nothing has changed.
    ConfirmedByRead,
    /// What saves nothing is answered at once.
    NoBarrier,
    /// After a conflict a command is decided again without a look at what was committed.
    NoLookUp,
    /// Whoever hands a shard over drops what it has held back.
    NoBuffer,
    /// An unrecorded reply is believed, whichever attempt it is to.
    EarlierReplyBelieved,
    /// Whoever owns the shard acts, also on what is meant for another one.
    AddresseeIgnored,
    /// A node acts whether or not it hears itself.
    DeafActs,
    /// Of those who listen to a shard one gets each message.
    QueueGroups,
    /// A successor waits until the owner has released the shard, dead or alive.
    WaitsForTheDead,
    /// That a move was completed is taken for the shard's next move as well.
    OldReportsCount,
}

/// The number of occurrences of each thing, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// Returns the number of occurrences.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Together with those of another run.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in other.iter() {
            self.count(name, count);
        }
    }

    pub(super) fn count(&mut self, name: &'static str, times: u64) {
        *self.0.entry(name).or_default() += times;
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The seed of the run.
    pub seed: u64,
    /// The simulated time at which it was noticed.
    pub at: Duration,
    /// The broken promise.
    pub what: String,
    /// The last things that happened; empty unless the run was [traced](super::trace).
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: after {:.3} s: {}", self.seed, self.at.as_secs_f64(), self.what)
    }
}

impl std::error::Error for Violation {}
