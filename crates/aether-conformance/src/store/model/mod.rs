//! Random operations held against a model: a store must do what a few vectors do.
//!
//! The operations come one after the other, each through any of several handles, so there is exactly one right answer to
//! each. What fails is shrunk, and printed with the seed that leads there again.

mod driver;
mod log;
mod ops;
mod subscriptions;

use std::fmt::Debug;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub(crate) use ops::Actors;

use super::Fixture;
use super::support::OrFail;

/// Names the seed to begin with, to see a failure again.
const SEED: &str = "AETHER_CONFORMANCE_SEED";
/// How many shorter sequences are tried before a failure is reported.
const SHRINKS: usize = 200;

/// Runs as many sequences of operations as the fixture says.
pub(crate) async fn hold_against_the_model(fixture: &dyn Fixture, actors: Actors) {
    search(fixture, || ops::sequence(actors), async |ops| driver::run(fixture, ops).await).await;
}

/// So it does with subscriptions.
pub(crate) async fn hold_subscriptions_against_the_model(fixture: &dyn Fixture, actors: Actors) {
    let sequence = || subscriptions::sequence(actors);
    search(fixture, sequence, async |ops| subscriptions::run(fixture, ops).await).await;
}

/// Looks for a sequence of operations that fails, and for a short one.
async fn search<Op: Debug + Clone, S: Strategy<Value = Vec<Op>>>(
    fixture: &dyn Fixture,
    sequence: impl Fn() -> S,
    run: impl AsyncFn(&[Op]) -> Result<(), String>,
) {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed.parse().or_fail(format_args!("reading the seed in {SEED}")),
        Err(_) => fresh_seed(),
    };
    for case in 0..u64::from(fixture.model_cases()) {
        let mut runner = TestRunner::new_with_rng(Config::default(), rng(seed.wrapping_add(case)));
        let mut tree = sequence().new_tree(&mut runner).ok().or_fail("making random operations");
        let Err(mut error) = run(&tree.current()).await else { continue };
        let mut failing: Vec<Op> = tree.current();
        let mut simpler = tree.simplify();
        for _ in 0..SHRINKS {
            if !simpler {
                break;
            }
            simpler = match run(&tree.current()).await {
                Ok(()) => tree.complicate(),
                Err(simpler_error) => {
                    (error, failing) = (simpler_error, tree.current());
                    tree.simplify()
                }
            };
        }
        let again = seed.wrapping_add(case);
        panic!("{error}\nafter these operations (seen again with {SEED}={again}):\n{}", listed(&failing));
    }
}

fn listed(ops: &[impl Debug]) -> String {
    ops.iter().map(|op| format!("  {op:?}\n")).collect()
}

fn fresh_seed() -> u64 {
    uuid::Uuid::now_v7().as_u64_pair().1
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}
