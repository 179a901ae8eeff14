//! Whole groups in simulated time: members join, crash, freeze and are cut off, signals get lost, keys cannot be written.

mod faults;
mod rest;
mod world;

use std::time::Duration;

use self::world::{PARTITIONS, World};

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
