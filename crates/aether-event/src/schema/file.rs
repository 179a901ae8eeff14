//! The schema file: checked in a test, written when the events have changed as they should.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::compare::{Differences, compare, merge};
use super::error::Kind;
use super::{File, Schema, SchemaError, Types};

/// The environment variable that makes [`check_schemas`] write the file instead, as [`write_schemas`] does.
pub const WRITE_SCHEMAS: &str = "AETHER_WRITE_SCHEMAS";

/// Compares the events of the code with the schema file at `path`, for a test of the user's own. With the environment
/// variable [`WRITE_SCHEMAS`] set to `1` it writes the file instead.
///
/// The file goes into version control beside the code.
///
/// # Errors
/// [`SchemaError`] if there is a difference, however harmless, or the file cannot be read. It says which of them the code
/// has to mend, and whether it is only the file that has to be written anew.
pub fn check_schemas(path: impl AsRef<Path>, schemas: &[Schema]) -> Result<(), SchemaError> {
    let path = path.as_ref();
    if std::env::var_os(WRITE_SCHEMAS).is_some_and(|value| value == "1") {
        return write_schemas(path, schemas);
    }
    let file = read(path)?;
    let differences = differences(path, file.as_ref().unwrap_or(&File::new()), schemas)?;
    if differences.news.is_empty() {
        Ok(())
    } else {
        Err(SchemaError::new(path, Kind::Outdated(differences.news)))
    }
}

/// Writes the schema file at `path`, unless old events could then not be read any more. What the file says of older
/// versions stays in it, since such events may be in logs.
///
/// # Errors
/// [`SchemaError`] if a change is breaking, or the file cannot be read or written. The file is as it was then.
pub fn write_schemas(path: impl AsRef<Path>, schemas: &[Schema]) -> Result<(), SchemaError> {
    let path = path.as_ref();
    let before = read(path)?.unwrap_or_default();
    differences(path, &before, schemas)?;
    let none = Types::new();
    let after: File = schemas
        .iter()
        .map(|schema| {
            let old = before.get(schema.name()).unwrap_or(&none);
            (schema.name().to_owned(), merge(old, &schema.events))
        })
        .collect();
    let failed = |source| SchemaError::new(path, Kind::File("cannot be written", source));
    let mut text = serde_json::to_string_pretty(&after).map_err(|error| failed(error.into()))?;
    text.push('\n');
    fs::write(path, text).map_err(|error| failed(error.into()))
}

/// What is in the file; `None` if there is none.
fn read(path: &Path) -> Result<Option<File>, SchemaError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SchemaError::new(path, Kind::File("cannot be read", error.into()))),
    };
    match serde_json::from_slice(&text) {
        Ok(file) => Ok(Some(file)),
        Err(error) => {
            let what = "is no schema file; restore it from version control";
            Err(SchemaError::new(path, Kind::File(what, error.into())))
        }
    }
}

/// What is new in the code.
fn differences(path: &Path, file: &File, schemas: &[Schema]) -> Result<Differences, SchemaError> {
    let mut all = Differences::default();
    let none = Types::new();
    for (index, schema) in schemas.iter().enumerate() {
        let name = schema.name();
        if let Some(invalid) = &schema.invalid {
            return Err(SchemaError::new(path, Kind::Invalid(invalid.clone())));
        }
        if schemas[..index].iter().any(|other| other.name() == name) {
            return Err(SchemaError::new(path, Kind::Twice(name.to_owned())));
        }
        if schema.events.is_empty() && !file.contains_key(name) {
            all.news.push(format!("{name} is new"));
        }
        let Differences { breaking, news } = compare(name, file.get(name).unwrap_or(&none), &schema.events);
        all.breaking.extend(breaking);
        all.news.extend(news);
    }
    for gone in file.keys().filter(|name| !schemas.iter().any(|schema| schema.name() == *name)) {
        all.breaking.push(format!(
            "the events {gone} are not there any more: if the enum has another name now, say `#[event(name = \
             \"{gone}\")]` on it; if there are no logs of it any more, delete it from the file"
        ));
    }
    if all.breaking.is_empty() { Ok(all) } else { Err(SchemaError::new(path, Kind::Breaking(all.breaking))) }
}
