//! The first line of public documentation: a verb in the third person ("Returns …") or a noun phrase. A ratchet: the file
//! `first_lines.txt` has how many lines of each crate still begin otherwise, and these numbers only fall.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::sources::{Library, Source};

/// The file of the ratchet, below the root of the workspace.
const RATCHET: &str = "xtask/src/tidy/first_lines.txt";

/// First words that begin a clause instead of a verb or a noun phrase.
const NOT_FIRST: &[&str] = &[
    "As",
    "Because",
    "He",
    "How",
    "However",
    "If",
    "It",
    "Nobody",
    "Since",
    "Somebody",
    "That",
    "There",
    "They",
    "This",
    "Those",
    "Through",
    "Until",
    "We",
    "What",
    "Whatever",
    "When",
    "Whenever",
    "Where",
    "Wherever",
    "Whether",
    "Which",
    "Whichever",
    "While",
    "Who",
    "Whoever",
    "Whom",
    "Whose",
    "Why",
    "With",
    "Without",
    "You",
];

/// Compares the libraries with the ratchet; with `write`, lowers the ratchet where that is possible.
pub(super) fn check(libraries: &[Library], root: &Path, write: bool) -> Result<Vec<String>> {
    let path = root.join(RATCHET);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let allowed = parse(&text);
    let found: BTreeMap<String, Vec<String>> =
        libraries.iter().map(|library| (library.name.clone(), breaches(&library.sources))).collect();
    let counts: BTreeMap<String, usize> =
        found.iter().map(|(name, breaches)| (name.clone(), breaches.len())).collect();
    if write {
        let lowered = lower(&allowed, &counts);
        fs::write(&path, render(&lowered)).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(compare(&lowered, &found));
    }
    Ok(compare(&allowed, &found))
}

/// Complaints about crates that have more such lines than the ratchet allows, or fewer.
fn compare(allowed: &BTreeMap<String, usize>, found: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, breaches) in found {
        let (is, may) = (breaches.len(), allowed.get(name).copied().unwrap_or(0));
        if is > may {
            complaints.push(format!(
                "{name}: {is} public docs do not begin with a verb in the third person or a noun phrase, {may} may:\n    {}",
                breaches.join("\n    ")
            ));
        } else if is < may {
            complaints.push(format!(
                "{name}: {is} public docs do not begin with a verb or a noun phrase, and {may} may: lower the ratchet with \
                 `cargo xtask tidy --write`"
            ));
        }
    }
    for name in allowed.keys().filter(|name| !found.contains_key(*name)) {
        complaints.push(format!("{RATCHET} names {name}, which is no library: `cargo xtask tidy --write`"));
    }
    complaints
}

/// The ratchet after this state. Code that moves to another crate takes its lines along; the sum only falls.
fn lower(allowed: &BTreeMap<String, usize>, counts: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let total_falls = counts.values().sum::<usize>() <= allowed.values().sum();
    let min = |(name, is): (&String, &usize)| {
        let may = if total_falls { *is } else { allowed.get(name).copied().unwrap_or(0) };
        (name.clone(), may.min(*is))
    };
    counts.iter().map(min).filter(|(_, count)| *count > 0).collect()
}

fn parse(text: &str) -> BTreeMap<String, usize> {
    let entry = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}

fn render(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().fold(String::new(), |mut text, (name, count)| {
        // Writing into a `String` does not fail.
        let _ = writeln!(text, "{name} {count}");
        text
    })
}

/// The first lines of public docs that begin with a word of [`NOT_FIRST`], each with its place.
fn breaches(sources: &[Source]) -> Vec<String> {
    let begins_wrong = |line: &str| {
        let word: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '\'').collect();
        let word = word.split('\'').next().unwrap_or_default();
        NOT_FIRST.contains(&word)
    };
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in public_docs(source) {
            if begins_wrong(&line) {
                found.push(format!("{}:{number}: {line}", source.path));
            }
        }
    }
    found
}

/// The first lines of the docs of public items, fields, variants and trait methods, with their numbers.
///
/// A scan of text that rustfmt has laid out: a doc comment, attributes, then `pub`; or a doc comment right inside of a
/// `pub enum` or `pub trait`. `pub(crate)` is not public.
fn public_docs(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut first: Option<(usize, String)> = None;
    // The indentation of the public enum or trait that the scan is in.
    let mut inside: Option<usize> = None;
    // The indentation of an attribute that goes over several lines.
    let mut attribute: Option<usize> = None;
    for (at, line) in source.lines.iter().enumerate().filter(|(_, line)| !line.is_test) {
        let trimmed = line.text.trim_start();
        let indent = line.text.len() - trimmed.len();
        if let Some(doc) = trimmed.strip_prefix("///") {
            if first.is_none() && !doc.trim().is_empty() {
                first = Some((at + 1, doc.trim().to_owned()));
            }
            continue;
        }
        if let Some(outer) = attribute {
            if indent == outer && trimmed.starts_with(')') {
                attribute = None;
            }
            continue;
        }
        if trimmed.starts_with("#[") || trimmed.starts_with("//") || trimmed.is_empty() {
            if trimmed.starts_with("#[") && !trimmed.ends_with(']') {
                attribute = Some(indent);
            }
            continue;
        }
        if inside.is_some_and(|outer| indent <= outer) {
            inside = None;
        }
        let is_public = trimmed.starts_with("pub ");
        let is_member = inside.is_some_and(|outer| indent == outer + 4);
        if let Some(doc) = first.take().filter(|_| is_public || is_member) {
            found.push(doc);
        }
        let opens =
            ["pub enum ", "pub trait ", "pub unsafe trait "].iter().any(|kind| trimmed.starts_with(kind));
        if opens && !trimmed.ends_with('}') {
            inside = Some(indent);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::tidy::sources::sources;

    fn docs(text: &str) -> Vec<String> {
        let all = sources(vec![(PathBuf::from("src/a.rs"), text.to_owned())]);
        all.iter().flat_map(public_docs).map(|(_, line)| line).collect()
    }

    fn wrong(text: &str) -> usize {
        breaches(&sources(vec![(PathBuf::from("src/a.rs"), text.to_owned())])).len()
    }

    #[test]
    fn public_docs_are_found_with_their_first_lines() {
        let text = "
/// A struct.
///
/// More.
#[derive(
    Debug,
)]
pub struct A {
    /// A field.
    pub a: u8,
    /// Not public.
    b: u8,
}
/// Not public.
pub(crate) fn f() {
}
/// An enum.
pub enum E {
    /// A variant.
    V {
        /// Deeper: not seen.
        x: u8,
    },
}
/// A trait.
pub trait T: Send {
    /// Does something.
    fn t(&self);
}
/// Not public.
fn g() {}
#[cfg(test)]
mod tests {
    /// Not seen.
    pub fn h() {}
}
";
        assert_eq!(
            docs(text),
            ["A struct.", "A field.", "An enum.", "A variant.", "A trait.", "Does something."]
        );
    }

    #[test]
    fn a_clause_is_no_first_line() {
        assert_eq!(wrong("/// Returns whether it is there.\npub fn f() {}\n"), 0);
        assert_eq!(wrong("/// Item of a list.\npub struct A;\n"), 0);
        for line in
            ["Whether it is.", "What it is.", "It's there.", "Who is there.", "How it is done.", "Nobody."]
        {
            assert_eq!(wrong(&format!("/// {line}\npub fn f() {{}}\n")), 1, "{line}");
            assert_eq!(wrong(&format!("/// {line}\nfn f() {{}}\n")), 0, "{line}");
        }
    }

    fn table(entries: &[(&str, usize)]) -> BTreeMap<String, usize> {
        entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn the_ratchet_only_falls() {
        let found =
            |count: usize| BTreeMap::from([("a".to_owned(), vec!["src/a.rs:1: It".to_owned(); count])]);
        assert_eq!(compare(&table(&[("a", 2)]), &found(2)), Vec::<String>::new());
        assert!(compare(&table(&[("a", 2)]), &found(3)).join("").contains("3 public docs"));
        assert!(compare(&table(&[("a", 2)]), &found(1)).join("").contains("lower the ratchet"));
        assert!(compare(&table(&[]), &found(1)).join("").contains("0 may"));
        assert!(compare(&table(&[("a", 1), ("b", 1)]), &found(1)).join("").contains("names b"));

        assert_eq!(lower(&table(&[("a", 2)]), &table(&[("a", 3)])), table(&[("a", 2)]));
        assert_eq!(lower(&table(&[("a", 2), ("b", 1)]), &table(&[("a", 1)])), table(&[("a", 1)]));
        assert_eq!(lower(&table(&[("a", 2)]), &table(&[("a", 0)])), table(&[]));
        assert_eq!(lower(&table(&[]), &table(&[("a", 1)])), table(&[]));
        let moved = lower(&table(&[("a", 2)]), &table(&[("a", 0), ("b", 2)]));
        assert_eq!(moved, table(&[("b", 2)]));
    }

    #[test]
    fn the_file_of_the_ratchet_is_read_as_it_is_written() {
        let counts = table(&[("a", 2), ("b", 10)]);
        assert_eq!(parse(&render(&counts)), counts);
    }
}
