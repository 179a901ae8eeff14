//! What must hold of a group that has come to rest.

use aether_core::Position;

use super::world::{PARTITIONS, World};

impl World {
    pub(super) fn gained(&self) -> u64 {
        self.claims.len() as u64
    }

    pub(super) fn refused(&self) -> u64 {
        self.nodes.iter().map(|node| node.engine.counts.refused).sum()
    }

    pub(super) fn assert_all_handled(&self) {
        assert_eq!(self.done, self.versions);
        let end = Some(Position::new(self.log.len() as u64, 0));
        for (partition, known) in &self.records {
            assert_eq!(known.record.position, end, "the checkpoint of {partition}");
        }
        for node in self.nodes.iter().filter(|node| node.stopped) {
            assert!(self.records.values().all(|known| known.record.owner.as_ref() != Some(&node.id)));
        }
    }

    pub(super) fn assert_balanced(&self) {
        assert_eq!(self.records.len(), usize::from(PARTITIONS));
        let alive = self.nodes.iter().filter(|node| node.alive && !node.stopped);
        let counts: Vec<usize> = alive
            .map(|node| {
                self.records.values().filter(|known| known.record.owner.as_ref() == Some(&node.id)).count()
            })
            .collect();
        assert_eq!(counts.iter().sum::<usize>(), usize::from(PARTITIONS), "{counts:?}");
        let (min, max) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(max - min <= 1, "{counts:?}");
    }
}
