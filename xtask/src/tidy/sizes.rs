//! `cargo xtask tidy --sizes`: a table of how large the files of each library are.

use std::fmt::Write as _;

use super::sources::{Library, Source};

/// Files with fewer lines are slivers, unless they have a reason.
const SMALL: usize = 60;

/// The figures of one library.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    files: usize,
    median: usize,
    small: usize,
    largest: usize,
    /// Lines that are neither blank nor comments.
    code: usize,
    /// The same, of tests: below `tests`, and in `#[cfg(test)]`.
    tests: usize,
}

/// A table with a line for each library, and one for all.
pub(super) fn table(libraries: &[Library]) -> String {
    let mut text = format!(
        "{:<24} {:>6} {:>7} {:>9} {:>8} {:>7} {:>7}\n",
        "crate", "files", "median", "below 60", "largest", "code", "tests"
    );
    let mut add = |name: &str, sizes: &Sizes| {
        let Sizes { files, median, small, largest, code, tests } = sizes;
        // Writing into a `String` does not fail.
        let _ =
            writeln!(text, "{name:<24} {files:>6} {median:>7} {small:>9} {largest:>8} {code:>7} {tests:>7}");
    };
    for library in libraries {
        add(&library.name, &sizes(library.sources.iter(), library.tests.iter()));
    }
    let sources = libraries.iter().flat_map(|library| &library.sources);
    add("all", &sizes(sources, libraries.iter().flat_map(|library| &library.tests)));
    text
}

fn sizes<'a>(sources: impl Iterator<Item = &'a Source>, tests: impl Iterator<Item = &'a Source>) -> Sizes {
    let mut sizes = Sizes::default();
    let mut lengths = Vec::new();
    for source in sources {
        // A file that is there for tests alone is not one of the product's.
        if !source.lines.iter().all(|line| line.is_test) {
            lengths.push(source.lines.len());
        }
        sizes.code += source.lines.iter().filter(|line| !line.is_test && is_code(&line.text)).count();
        sizes.tests += source.lines.iter().filter(|line| line.is_test && is_code(&line.text)).count();
    }
    sizes.tests +=
        tests.map(|source| source.lines.iter().filter(|line| is_code(&line.text)).count()).sum::<usize>();
    lengths.sort_unstable();
    sizes.files = lengths.len();
    sizes.median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    sizes.small = lengths.iter().filter(|length| **length < SMALL).count();
    sizes.largest = lengths.last().copied().unwrap_or_default();
    sizes
}

fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::tidy::sources::sources;

    #[test]
    fn code_and_tests_are_counted_apart() {
        let product = "//! A file.\n\nfn f() {}\n#[cfg(test)]\nmod tests {\n    // Why.\n    fn g() {}\n}\n";
        let read = |path: &str, text: &str| sources(vec![(PathBuf::from(path), text.to_owned())]);
        let (a, b) = (read("src/a.rs", product), read("src/b.rs", &"fn f() {}\n".repeat(100)));
        let found = sizes(a.iter().chain(&b), read("tests/it.rs", "//! Tests.\nfn t() {}\n").iter());
        let expected = Sizes { files: 2, median: 100, small: 1, largest: 100, code: 101, tests: 5 };
        assert_eq!(found, expected);
    }
}
