//! [`Keys`]: the keys of a cluster, with elections of their servers.

use std::collections::BTreeMap;
use std::time::Duration;

use aether_coordination::{Condition, Revision};
use bytes::Bytes;

use crate::record::Name;

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
