//! The events are as `schemas.json` says: who changes one raises its version, or this fails.
//! `cargo xtask schemas --write` writes the file anew.

use aether::event::{Schema, check_schemas};

use crate::account::AccountEvent;
use crate::transfers::TransferEvent;

#[test]
fn schemas_are_those_of_the_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas.json");
    check_schemas(file, &[Schema::of::<AccountEvent>(), Schema::of::<TransferEvent>()]).unwrap();
}
