//! Many worlds, and worlds in which a rule is broken.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mutant::Mutant;
use super::report::{Counts, Violation};
use super::scenario::live;

/// Looks at so many worlds, until one is wrong.
fn look(seeds: u64, mutant: Option<Mutant>) -> Result<Counts, Violation> {
    let (next, found) = (AtomicU64::new(0), Mutex::new(None));
    let total = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || found.lock().unwrap().is_some() {
                        return;
                    }
                    match live(seed, mutant, false) {
                        Ok(counts) => total.lock().unwrap().merge(&counts),
                        Err(violation) => *found.lock().unwrap() = Some(violation),
                    }
                }
            });
        }
    });
    found.into_inner().unwrap().map_or(Ok(total.into_inner().unwrap()), Err)
}

#[test]
fn whatever_happens_every_promise_is_kept() {
    match look(200, None) {
        Ok(counts) => counts.iter().for_each(|(name, count)| println!("{count:>9} {name}")),
        Err(violation) => panic!("{violation}"),
    }
}
