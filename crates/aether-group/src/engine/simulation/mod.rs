//! Whole groups in simulated time: members join, crash, freeze and are cut off, signals get lost, keys cannot be written.

mod world;

use std::time::Duration;

use aether_core::Position;

use self::world::{Input, PARTITIONS, World};

/// How many different worlds each test looks at.
const SEEDS: u64 = 15;
const SECOND: Duration = Duration::from_secs(1);

/// Everything that can happen to a group, for a minute; then it has to come to rest.
fn storm(seed: u64) -> World {
    let mut world = World::new(seed);
    for _ in 0..4 {
        world.join();
    }
    for _ in 0..60 {
        world.save(30);
        match world.random.u8(..20) {
            0 | 1 => world.join(),
            2 => world.crash(),
            3 => world.stop(),
            4 | 5 => {
                let span = SECOND.mul_f64(0.5 + 8.0 * world.random.f64());
                world.freeze(span);
            }
            6 => {
                let span = SECOND.mul_f64(0.5 + 8.0 * world.random.f64());
                world.cut_off(span);
            }
            7 => world.keys_down(SECOND.mul_f64(9.0)),
            8 | 9 => world.end_reading(),
            _ => {}
        }
        world.run(SECOND);
    }
    // All others may be about to leave.
    world.join();
    world.run(SECOND * 40);
    world
}

#[test]
fn whatever_happens_every_event_is_handled_in_order_and_the_group_comes_to_rest() {
    let (mut gained, mut refused, mut handled) = (0, 0, 0);
    for seed in 0..SEEDS {
        let world = storm(seed);
        world.assert_all_handled();
        world.assert_balanced();
        gained += world.gained();
        refused += world.refused();
        handled += world.handled;
    }
    assert!(
        handled > SEEDS * 1_500 && gained > SEEDS * u64::from(PARTITIONS) && refused > 0,
        "{handled} {gained} {refused}"
    );
}

#[test]
fn nothing_moves_while_keys_cannot_be_written() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..5 {
            world.join();
        }
        world.save(200);
        world.run(SECOND * 5);
        world.assert_balanced();
        let gained = world.gained();
        for _ in 0..3 {
            world.keys_down(SECOND * 9);
            for _ in 0..12 {
                world.save(20);
                world.run(SECOND);
            }
        }
        world.run(SECOND * 10);
        assert_eq!(world.gained(), gained, "seed {seed}");
        world.assert_all_handled();
        // Nobody died, so nothing was handled again.
        assert_eq!(world.handled, 200 + 3 * 12 * 20, "seed {seed}");
    }
}

#[test]
fn a_new_group_is_balanced_within_seconds() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..8 {
            world.join();
        }
        world.run(SECOND * 2);
        world.assert_balanced();
    }
}

#[test]
fn a_member_that_freezes_past_the_suspicion_has_its_checkpoints_refused() {
    let mut refused = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..3 {
            world.join();
        }
        world.run(SECOND * 3);
        world.save(300);
        world.run(Duration::from_millis(200));
        world.freeze(SECOND * 6);
        world.run(SECOND * 20);
        world.assert_all_handled();
        world.assert_balanced();
        refused += world.refused();
    }
    assert!(refused > 0);
}

#[test]
fn what_a_dead_member_had_moves_within_seconds() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..4 {
            world.join();
        }
        world.save(400);
        world.run(SECOND * 3);
        world.crash();
        world.run(SECOND * 8);
        world.assert_balanced();
        world.run(SECOND * 10);
        world.assert_all_handled();
    }
}

impl World {
    fn pick(&mut self) -> Option<usize> {
        let alive: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].alive && !self.nodes[*node].stopped)
            .collect();
        self.random.choice(alive)
    }

    pub(super) fn crash(&mut self) {
        if let Some(node) = self.pick() {
            self.nodes[node].alive = false;
        }
    }

    pub(super) fn stop(&mut self) {
        if let Some(node) = self.pick() {
            self.nodes[node].engine.stop();
            self.wake(node);
        }
    }

    pub(super) fn freeze(&mut self, span: Duration) {
        if let Some(node) = self.pick() {
            self.nodes[node].frozen_until = self.now + span;
        }
    }

    pub(super) fn cut_off(&mut self, span: Duration) {
        if let Some(node) = self.pick() {
            if !self.is_cut_off(node) {
                self.nodes[node].cut_off_since = self.now;
            }
            self.nodes[node].cut_off_until = self.now + span;
        }
    }

    pub(super) fn keys_down(&mut self, span: Duration) {
        self.down_until = self.now + span;
    }

    /// What a member reads comes to its end by itself.
    pub(super) fn end_reading(&mut self) {
        if let Some(node) = self.pick() {
            self.input(node, Input::ReadingEnded);
        }
    }
}

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
