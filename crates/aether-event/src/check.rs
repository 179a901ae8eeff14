//! [`check`]: whether the names, versions and upcasters of an enum make sense.

use std::collections::BTreeSet;
use std::fmt;

use aether_core::Event;

use crate::wire::{Found, find};
use crate::{DomainEvent, Upcaster, is_system, wire};

/// Checks the names, versions and upcasters of `E`: every old version leads to a variant, and none in circles.
///
/// The derive refuses most of what is found here when it compiles. Where upcasters lead is found only here, so whatever
/// reads events for long calls this when it starts; the actor runtime does.
///
/// # Errors
/// [`InvalidEvents`] with everything that is wrong.
pub fn check<E: DomainEvent>() -> Result<(), InvalidEvents> {
    let mut problems = Vec::new();
    names::<E>(&mut problems);
    versions::<E>(&mut problems);
    if problems.is_empty() {
        targets::<E>(&mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(InvalidEvents { name: E::NAME, problems }) }
}

fn names<E: DomainEvent>(problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let names = E::VARIANTS.iter().flat_map(|variant| variant.names());
    for name in names.chain(E::RETIRED.iter().map(|retired| retired.name)) {
        if !seen.insert(name) {
            problems.push(format!("`{name}` is there twice; give each type of event a name of its own"));
        }
        if is_system(name) {
            problems.push(format!("`{name}` begins with `aether.`, as only Aether's own events do"));
        }
        if wire::split(name).1 != 1 {
            problems.push(format!("`{name}` ends like a version; say the version beside the name"));
        }
        // Room for `.v` and the digits of any version.
        if name.is_empty() || name.len() > Event::MAX_TYPE_LEN - 12 {
            problems.push(format!("`{name}` is empty or too long"));
        }
    }
}

fn versions<E: DomainEvent>(problems: &mut Vec<String>) {
    for variant in E::VARIANTS {
        let (name, version) = (variant.name, variant.version);
        if version == 0 {
            problems.push(format!("`{name}` has version 0; the first is 1"));
        }
        if wire::join(name, version) != variant.event_type {
            problems.push(format!(
                "version {version} of `{name}` cannot be `{}` on the wire",
                variant.event_type
            ));
        }
        for from in 1..version {
            count(name, from, variant.upcasters, problems);
        }
        for upcaster in variant.upcasters.iter().filter(|upcaster| !(1..version).contains(&upcaster.from)) {
            let from = upcaster.from;
            problems.push(format!("`{name}` has version {version} and an upcaster from version {from}"));
        }
    }
    for retired in E::RETIRED {
        let last = retired.upcasters.iter().map(|upcaster| upcaster.from).max().unwrap_or(0);
        if last == 0 {
            problems
                .push(format!("`{}` is retired and has no upcaster; say what became of it", retired.name));
        }
        for from in 1..=last {
            count(retired.name, from, retired.upcasters, problems);
        }
    }
}

fn count(name: &str, from: u32, upcasters: &[Upcaster], problems: &mut Vec<String>) {
    match upcasters.iter().filter(|upcaster| upcaster.from == from).count() {
        0 => problems.push(format!("`{name}` has no upcaster from version {from}; add one")),
        1 => {}
        _ => problems.push(format!("`{name}` has several upcasters from version {from}; keep one")),
    }
}

fn targets<E: DomainEvent>(problems: &mut Vec<String>) {
    let mut done = BTreeSet::new();
    for event_type in wire::types::<E>() {
        walk::<E>(&event_type, &mut Vec::new(), &mut done, problems);
    }
}

/// Goes wherever the upcasters may lead from `event_type`, and says what ends nowhere or comes by again.
fn walk<E: DomainEvent>(
    event_type: &str,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
    problems: &mut Vec<String>,
) {
    if let Some(start) = path.iter().position(|passed| passed == event_type) {
        let circle = path[start..].join("` to `");
        problems.push(format!(
            "the upcasters go in a circle, from `{circle}` to `{event_type}`; let one of them lead elsewhere"
        ));
        return;
    }
    if !done.insert(event_type.to_owned()) {
        return;
    }
    match find::<E>(event_type) {
        Found::Current(_) => {}
        Found::Old { upcaster, next } => {
            path.push(event_type.to_owned());
            if upcaster.into.is_empty() {
                walk::<E>(&next, path, done, problems);
            }
            for target in upcaster.into {
                walk::<E>(target, path, done, problems);
            }
            path.pop();
        }
        Found::Stuck | Found::Newer(_) | Found::Unknown => {
            let from = path.last().map_or(event_type, String::as_str);
            problems.push(format!(
                "the upcaster from `{from}` leads to `{event_type}`, which there is not; name a type that there is"
            ));
        }
    }
}

/// The problems of an enum of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEvents {
    name: &'static str,
    problems: Vec<String>,
}

impl InvalidEvents {
    /// The name of the enum.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the problems, each as one sentence.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for InvalidEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the events {} cannot be: {}", self.name, self.problems.join("; "))
    }
}

impl std::error::Error for InvalidEvents {}
