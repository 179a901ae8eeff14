//! The events are as `schemas.json` says: who changes one raises its version, or this fails.
//! `cargo xtask schemas --write` writes the file anew.

use std::path::Path;
use std::{env, fs, process};

use aether::event::{Schema, check_schemas, write_schemas};

use crate::account::AccountEvent;
use crate::transfers::TransferEvent;

fn schemas() -> [Schema; 2] {
    [Schema::of::<AccountEvent>(), Schema::of::<TransferEvent>()]
}

#[test]
fn schemas_are_those_of_the_file() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas.json");
    check_schemas(file, &schemas()).unwrap();
}

/// Files that earlier versions have written are accepted, and what they say can still be read.
#[test]
fn schema_files_of_earlier_versions_are_accepted() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let recordings = fs::read_dir(golden).unwrap().map(|entry| entry.unwrap().path());
    let files = recordings.map(|recording| recording.join("bank-schemas.json")).filter(|file| file.exists());
    let mut accepted = 0;
    for file in files {
        let copy = env::temp_dir().join(format!("bank-schemas-{}.json", process::id()));
        fs::copy(&file, &copy).unwrap();
        write_schemas(&copy, &schemas()).unwrap();
        fs::remove_file(&copy).unwrap();
        accepted += 1;
    }
    assert!(accepted > 0, "no recording has a schema file of this example");
}
