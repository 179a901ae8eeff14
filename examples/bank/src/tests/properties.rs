//! What holds for an account whatever is asked of it.

use aether_testkit::properties::{self, Step, step};
use proptest::prelude::*;

use crate::account::Account;
use crate::commands::{Credit, Debit, Deposit, Freeze, Open, Refund, Unfreeze, Withdraw};

fn steps() -> impl Strategy<Value = Vec<Step<Account>>> {
    let transfer = || "t".to_owned();
    let one = prop_oneof![
        Just(()).prop_map(|()| step(Open { owner: "Ada".into() })),
        (1..1000_u64).prop_map(|cents| step(Deposit { cents })),
        (1..1000_u64).prop_map(|cents| step(Withdraw { cents })),
        (1..1000_u64).prop_map(move |cents| step(Debit { transfer: transfer(), cents })),
        (1..1000_u64).prop_map(move |cents| step(Credit { transfer: transfer(), cents })),
        (1..1000_u64).prop_map(move |cents| step(Refund { transfer: transfer(), cents })),
        (1..1000_u64).prop_map(|seconds| step(Freeze { seconds })),
        Just(()).prop_map(|()| step(Unfreeze)),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_log_is_the_whole_truth(steps in steps()) {
        properties::replay_equals_live(steps.clone());
        properties::snapshots_equal_replay(steps);
    }
}
