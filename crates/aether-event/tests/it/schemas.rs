//! The schema file: what changes it lets through, what it refuses, and what it says then.

use std::fs;
use std::path::PathBuf;

use aether_event::{
    DomainEvent, Old, Schema, SchemaError, Upcast, UpcastError, check_schemas, write_schemas,
};
use serde::{Deserialize, Serialize};

fn same(old: Old) -> Result<Upcast, UpcastError> {
    Ok(Upcast::to(old.data))
}

/// The events of an account, as they are in one release.
macro_rules! release {
    ($name:ident, $(#[event($($retired:tt)*)])* { $($variants:tt)* }) => {
        #[derive(Serialize, Deserialize, DomainEvent)]
        #[event(name = "AccountEvent")]
        $(#[event($($retired)*)])*
        enum $name { $($variants)* }
    };
}

release!(First, {
    Opened { owner: String, limit: Option<u32> },
    Deposited { cents: u32 },
    Closed,
});

fn file(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.json"));
    let _ = fs::remove_file(&path);
    path
}

/// Checks `E` against the file that `First` has left, and that only what is not breaking is written.
fn against_first<E: DomainEvent>(test: &str) -> SchemaError {
    let path = file(test);
    write_schemas(&path, &[Schema::of::<First>()]).unwrap();
    check_schemas(&path, &[Schema::of::<First>()]).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let error = check_schemas(&path, &[Schema::of::<E>()]).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let written = write_schemas(&path, &[Schema::of::<E>()]);
    if error.is_breaking() {
        assert!(written.unwrap_err().is_breaking());
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    } else {
        written.unwrap();
        check_schemas(&path, &[Schema::of::<E>()]).unwrap();
    }
    error
}

fn lines(error: &SchemaError) -> Vec<String> {
    error.to_string().lines().filter_map(|line| line.strip_prefix("- ").map(str::to_owned)).collect()
}

#[test]
fn a_changed_event_needs_a_new_version() {
    release!(Changed, {
        Opened { owner: String, limit: u32, branch: String },
        Deposited { cents: u64 },
        Closed {},
    });
    let error = against_first::<Changed>("changed");
    assert!(error.is_breaking());
    assert_eq!(
        lines(&error),
        [
            "`Closed` of AccountEvent has changed (it was without data and is an object) but is still version 1: \
             say `version = 2` and `upcast(1 = …)`",
            "`Deposited` of AccountEvent has changed (field `cents: u64` was `u32`) but is still version 1: \
             say `version = 2` and `upcast(1 = …)`",
            "`Opened` of AccountEvent has changed (field `limit: u32` was `Option<u32>`, field `branch: String` is \
             new) but is still version 1: say `version = 2` and `upcast(1 = …)`",
        ]
    );
}

#[test]
fn what_is_gone_has_to_be_accounted_for() {
    release!(Gone, {
        Opened { owner: String },
        Deposited { cents: u32 },
    });
    let error = against_first::<Gone>("gone");
    assert!(error.is_breaking());
    assert_eq!(
        lines(&error),
        [
            "`Closed` of AccountEvent is gone, and there may be such events in logs: say `was = \"Closed\"` on the \
             event that it is now, or `retired(\"Closed\", upcast(…))` on the enum",
            "`Opened` of AccountEvent has changed (field `limit: Option<u32>` is gone) but is still version 1: say \
             `version = 2` and `upcast(1 = …)`",
        ]
    );
}

#[test]
fn what_is_done_right_is_only_news() {
    release!(Right, #[event(retired("Closed", upcast(1 = same => "Ended")))] {
        #[event(was = "Opened")]
        Begun {
            owner: String,
            limit: Option<u32>,
            #[serde(default)]
            branch: String,
        },
        #[event(version = 2, upcast(1 = same))]
        Deposited { cents: u64 },
        Ended { why: Option<String> },
    });
    let error = against_first::<Right>("right");
    assert!(error.is_outdated());
    assert_eq!(
        lines(&error),
        [
            "`Opened` of AccountEvent is now called `Begun`",
            "`Begun` of AccountEvent has changed (field `branch: String` is new and may be missing)",
            "`Begun` of AccountEvent has other names from before",
            "`Closed` of AccountEvent is retired",
            "`Deposited` of AccountEvent went from version 1 to 2",
            "`Ended` of AccountEvent is new",
        ]
    );
}

#[test]
fn a_field_may_become_optional_but_not_the_other_way() {
    release!(Strict, {
        Noted { #[serde(rename = "text")] note: String },
    });
    release!(Lenient, {
        Noted { #[serde(default)] text: String },
    });
    let path = file("optional");
    write_schemas(&path, &[Schema::of::<Strict>()]).unwrap();
    let error = check_schemas(&path, &[Schema::of::<Lenient>()]).unwrap_err();
    assert!(error.is_outdated());
    assert_eq!(
        lines(&error),
        ["`Noted` of AccountEvent has changed (field `text: String` may be missing now)"]
    );
    write_schemas(&path, &[Schema::of::<Lenient>()]).unwrap();
    let error = check_schemas(&path, &[Schema::of::<Strict>()]).unwrap_err();
    assert!(error.is_breaking());
    assert!(error.to_string().contains("field `text: String` must be there now"), "{error}");
}

#[test]
fn a_version_does_not_go_back_nor_a_name_get_lost() {
    release!(Later, {
        #[event(was = "Opened", version = 2, upcast(1 = same))]
        Begun { owner: String },
    });
    release!(Back, {
        Begun { owner: String },
    });
    release!(Half, #[event(retired("Begun", upcast(1 = same => "Other")))] {
        #[event(was = "Opened")]
        Other { owner: String },
    });
    let path = file("back");
    write_schemas(&path, &[Schema::of::<Later>()]).unwrap();
    let error = check_schemas(&path, &[Schema::of::<Back>()]).unwrap_err();
    assert!(error.is_breaking());
    assert!(error.to_string().contains("`Begun` of AccountEvent went back from version 2 to 1"), "{error}");
    assert!(error.to_string().contains("`Opened` of AccountEvent is gone"), "{error}");
    let error = check_schemas(&path, &[Schema::of::<Half>()]).unwrap_err();
    assert_eq!(
        lines(&error),
        ["`Begun` of AccountEvent is retired and has no upcaster from version 2: add one"]
    );
}

#[test]
fn the_file_keeps_the_fields_of_all_versions() {
    release!(Second, {
        Opened { owner: String, limit: Option<u32> },
        #[event(version = 2, upcast(1 = same))]
        Deposited { cents: u64 },
        Closed,
    });
    release!(Third, #[event(retired("Closed", upcast(1 = same => "Paid.v3")))] {
        Opened { owner: String, limit: Option<u32> },
        #[event(was = "Deposited", version = 3, upcast(1 = same, 2 = same))]
        Paid(u64),
    });
    release!(Fourth,
        #[event(retired("Closed", upcast(1 = same => "Opened")))]
        #[event(retired("Paid", upcast(1 = same, 2 = same, 3 = same => "Opened")))]
        #[event(retired("Deposited", upcast(1 = same, 2 = same => "Opened")))]
    {
        Opened { owner: String, limit: Option<u32> },
    });
    let path = file("history");
    for release in [Schema::of::<First>(), Schema::of::<Second>(), Schema::of::<Third>()] {
        write_schemas(&path, std::slice::from_ref(&release)).unwrap();
        check_schemas(&path, &[release]).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), include_str!("../fixtures/schemas.json"));
    write_schemas(&path, &[Schema::of::<Fourth>()]).unwrap();
    let kept = fs::read_to_string(&path).unwrap();
    for type_text in ["\"u32\"", "\"u64\"", "\"newtype\"", "\"unit\""] {
        assert!(kept.contains(type_text), "{type_text} is lost:\n{kept}");
    }
}

#[test]
fn a_renamed_event_goes_on_from_its_new_name() {
    release!(Renamed, {
        #[event(was = "Opened")]
        Begun { owner: String, limit: Option<u32> },
        Deposited { cents: u32 },
        Closed,
    });
    release!(Grown, {
        #[event(was = "Opened")]
        Begun { owner: String, limit: Option<u32>, note: Option<String> },
        Deposited { cents: u32 },
        Closed,
    });
    let path = file("renamed");
    for release in [Schema::of::<First>(), Schema::of::<Renamed>(), Schema::of::<Grown>()] {
        write_schemas(&path, std::slice::from_ref(&release)).unwrap();
        check_schemas(&path, &[release]).unwrap();
    }
}

#[test]
fn what_makes_no_sense_has_no_schema() {
    release!(Circle,
        #[event(retired("Left", upcast(1 = same => "Right")))]
        #[event(retired("Right", upcast(1 = same => "Left")))]
    {
        Opened { owner: String },
    });
    let path = file("circle");
    let error = write_schemas(&path, &[Schema::of::<Circle>()]).unwrap_err();
    assert!(error.to_string().contains("go in a circle"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_none_and_an_enum_that_is_gone_are_said() {
    let path = file("none");
    let error = check_schemas(&path, &[Schema::of::<First>()]).unwrap_err();
    assert!(error.is_outdated() && error.to_string().contains("`Opened` of AccountEvent is new"), "{error}");
    write_schemas(&path, &[Schema::of::<First>()]).unwrap();
    let error = check_schemas(&path, &[]).unwrap_err();
    assert!(error.is_breaking() && error.to_string().contains("the events AccountEvent"), "{error}");
    let error = check_schemas(&path, &[Schema::of::<First>(), Schema::of::<First>()]).unwrap_err();
    assert!(error.to_string().contains("two enums are called AccountEvent"), "{error}");
    fs::write(&path, "[]").unwrap();
    let error = write_schemas(&path, &[Schema::of::<First>()]).unwrap_err();
    assert!(format!("{error:?}").contains("is no schema file"), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "[]");
}
