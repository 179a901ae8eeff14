//! What is written about the partitions of a group, looked at again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_core::Position;
use aether_group::{GroupAdmin, MemberId, Partition, PartitionStatus};
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_millis(100);

/// Looks at the partitions of a group and never lets one go back.
#[derive(Debug)]
pub(crate) struct Records {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The partitions as they were last.
    pub(crate) last: BTreeMap<Partition, PartitionStatus>,
    /// How often all of them were looked at.
    pub(crate) looks: u64,
    /// Claims that were followed by a higher one.
    pub(crate) moves: u64,
    /// Records with a lower claim than before, or of another owner under the same claim.
    pub(crate) stale_owners: u64,
    /// Checkpoints that went back.
    pub(crate) set_back: u64,
}

impl Records {
    /// Starts looking.
    pub(crate) fn watch(admin: GroupAdmin) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(look(admin, Arc::clone(&seen)));
        Self { seen, task }
    }

    /// What was found so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look(admin: GroupAdmin, seen: Arc<Mutex<Seen>>) {
    loop {
        // While servers fail there is nothing to see.
        if let Ok(now) = admin.partitions().await {
            let mut seen = seen.lock().unwrap();
            seen.looks += 1;
            for (partition, status) in now {
                if let Some(before) = seen.last.insert(partition, status.clone()) {
                    seen.compare(&before, &status);
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Seen {
    fn compare(&mut self, before: &PartitionStatus, now: &PartitionStatus) {
        let stranger = |now: &Option<MemberId>, before: &Option<MemberId>| {
            now.is_some() && before.is_some() && now != before
        };
        let same_claim = now.epoch == before.epoch;
        self.moves += u64::from(now.epoch > before.epoch);
        self.stale_owners += u64::from(now.epoch < before.epoch);
        self.stale_owners += u64::from(same_claim && stranger(&now.owner, &before.owner));
        self.set_back += u64::from(behind(now.position, before.position));
    }

    /// Whether these members, and no others, have all partitions.
    pub(crate) fn are_shared_by(&self, names: &[&str], partitions: usize) -> bool {
        let owners = self.last.values().filter_map(|status| status.owner.as_ref());
        let owned = owners.clone().count();
        owned == partitions
            && owners.clone().all(|owner| names.contains(&owner.name.as_str()))
            && names.iter().all(|name| owners.clone().any(|owner| owner.name == *name))
    }
}

fn behind(now: Option<Position>, before: Option<Position>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now < before,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}
