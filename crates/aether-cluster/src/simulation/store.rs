//! [`Store`]: the logs of all actors; [`Keys`]: the keys of a cluster, with elections of their servers.

use std::collections::BTreeMap;
use std::time::Duration;

use aether_coordination::{Condition, Revision};
use bytes::Bytes;

use super::input::{Outcome, Seen};
use crate::record::Name;

/// What stands in the log of an actor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Commit {
    pub(super) sequence: u64,
    /// The command, and what has come of it.
    pub(super) id: u64,
    pub(super) outcome: Outcome,
    /// How the list is afterwards.
    pub(super) state: Seen,
    /// When, in true time.
    pub(super) at: Duration,
    /// Which save it was.
    pub(super) save: u64,
}

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ask {
    Load,
    /// Saves the outcome of a command if the log is as long as this. The same save is done once.
    Save {
        head: usize,
        id: u64,
        outcome: Outcome,
        state: Seen,
        save: u64,
    },
    /// `true` if the log is as long as this.
    Barrier {
        head: usize,
    },
}

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Told {
    /// How long the log is, for all that this server knows.
    Loaded(usize),
    Stands(usize),
    Conflict,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    sequence: u64,
    logs: Vec<Vec<Commit>>,
    pub(super) down_until: Duration,
    /// A leader that was deposed and does not know it: when that was, until when, and which places it answers.
    pub(super) isolated: Option<(Duration, Duration, u64)>,
}

impl Store {
    pub(super) fn new(actors: usize) -> Self {
        Self { logs: vec![Vec::new(); actors], ..Self::default() }
    }

    pub(super) fn log(&self, actor: usize) -> &[Commit] {
        self.logs.get(actor).map_or(&[], Vec::as_slice)
    }

    /// How the list is after so many commits.
    pub(super) fn state(&self, actor: usize, head: usize) -> Seen {
        self.last(actor, head).map_or(Seen::default(), |commit| commit.state)
    }

    /// The sequence of the last of so many commits.
    pub(super) fn sequence(&self, actor: usize, head: usize) -> u64 {
        self.last(actor, head).map_or(0, |commit| commit.sequence)
    }

    fn last(&self, actor: usize, head: usize) -> Option<&Commit> {
        self.log(actor).get(head.checked_sub(1)?)
    }

    /// What has come of a command, in so many commits.
    pub(super) fn look_up(&self, actor: usize, head: usize, id: u64) -> Option<(Outcome, u64)> {
        let found = self.log(actor).iter().take(head).find(|commit| commit.id == id);
        found.map(|commit| (commit.outcome, commit.sequence))
    }

    /// How long the log was at this time.
    pub(super) fn head_at(&self, actor: usize, at: Duration) -> usize {
        self.log(actor).partition_point(|commit| commit.at <= at)
    }

    /// Returns whether this place is answered by a deposed leader, and when that was deposed.
    pub(super) fn deposed(&self, place: u64, now: Duration) -> Option<Duration> {
        let (since, until, places) = self.isolated?;
        (until > now && places & place != 0).then_some(since)
    }

    /// Does what is asked.
    pub(super) fn ask(&mut self, actor: usize, ask: Ask, now: Duration) -> Told {
        let length = self.log(actor).len();
        match ask {
            Ask::Load => Told::Loaded(length),
            Ask::Barrier { head } if head == length => Told::Stands(head),
            Ask::Save { save, .. } if self.log(actor).iter().any(|commit| commit.save == save) => {
                let at = self.log(actor).iter().position(|commit| commit.save == save).unwrap_or(0);
                Told::Stands(at + 1)
            }
            Ask::Save { head, id, outcome, state, save } if head == length => {
                self.sequence += 1;
                let commit = Commit { sequence: self.sequence, id, outcome, state, at: now, save };
                if let Some(log) = self.logs.get_mut(actor) {
                    log.push(commit);
                }
                Told::Stands(head + 1)
            }
            Ask::Barrier { .. } | Ask::Save { .. } => Told::Conflict,
        }
    }
}

/// A write that has arrived.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) name: Name,
    /// `None` deletes the key.
    pub(super) value: Option<Bytes>,
    pub(super) condition: Condition,
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Every write that there was; its place is its revision, less one.
    history: Vec<(Duration, Name, Option<Bytes>)>,
    current: BTreeMap<Name, (Option<Bytes>, Revision)>,
    pub(super) down_until: Duration,
}

impl Keys {
    pub(super) fn is_down(&self, now: Duration) -> bool {
        self.down_until > now
    }

    pub(super) fn get(&self, name: &Name) -> Option<(Bytes, Revision)> {
        let (value, revision) = self.current.get(name)?;
        Some((value.clone()?, *revision))
    }

    /// Writes, if the condition holds; otherwise tells what is there.
    pub(super) fn write(&mut self, write: Write, now: Duration) -> Result<Revision, Option<Revision>> {
        let current = self.get(&write.name).map(|(_, revision)| revision);
        if write.condition != Condition::from(current) {
            return Err(current);
        }
        self.history.push((now, write.name.clone(), write.value.clone()));
        let revision = Revision::new(self.history.len() as u64);
        self.current.insert(write.name, (write.value, revision));
        Ok(revision)
    }

    /// What a server that is so many writes behind has.
    pub(super) fn read(&self, behind: usize) -> Vec<(Name, Bytes, Revision)> {
        if behind == 0 {
            let current = self.current.iter();
            return current
                .filter_map(|(name, (value, revision))| Some((name.clone(), value.clone()?, *revision)))
                .collect();
        }
        let until = self.history.len().saturating_sub(behind);
        let mut found = BTreeMap::new();
        for (index, (_, name, value)) in self.history.iter().take(until).enumerate() {
            found.insert(name, value.as_ref().map(|value| (value, Revision::new(index as u64 + 1))));
        }
        let there = |(name, found): (&Name, Option<(&Bytes, Revision)>)| {
            found.map(|(value, revision)| (name.clone(), value.clone(), revision))
        };
        found.into_iter().filter_map(there).collect()
    }
}
