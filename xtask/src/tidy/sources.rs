//! The source files of the libraries, with what of them is product and what is there for tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::files;
use crate::metadata::{Metadata, Package};

/// A library with its files.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) name: String,
    /// Files below `src`.
    pub(super) sources: Vec<Source>,
    /// Files below `tests` and `benches`.
    pub(super) tests: Vec<Source>,
    /// Names of its normal dependencies, optional ones included.
    pub(super) dependencies: Vec<String>,
}

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// The path below the crate's directory.
    pub(super) path: String,
    /// Its lines, each with whether it is there for tests only.
    pub(super) lines: Vec<Line>,
}

/// A line of a file.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) is_test: bool,
}

impl Library {
    /// Reads every library of the workspace, in the order of their names.
    pub(super) fn all(metadata: &Metadata) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = metadata
            .members()
            .filter(|package| package.is_library())
            .map(Self::read)
            .collect::<Result<_>>()?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn read(package: &Package) -> Result<Self> {
        let dir = package.dir();
        Ok(Self {
            name: package.name.clone(),
            sources: read_below(dir, "src")?,
            tests: [read_below(dir, "tests")?, read_below(dir, "benches")?].into_iter().flatten().collect(),
            dependencies: package.direct().map(str::to_owned).collect(),
        })
    }
}

fn read_below(dir: &Path, sub: &str) -> Result<Vec<Source>> {
    let mut paths = Vec::new();
    if dir.join(sub).is_dir() {
        files::list(&dir.join(sub), &mut paths)?;
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)?;
        let path = path.strip_prefix(dir).unwrap_or(&path).to_owned();
        texts.push((path, text));
    }
    Ok(sources(texts))
}

/// Marks the lines that are there for tests only.
pub(super) fn sources(texts: Vec<(PathBuf, String)>) -> Vec<Source> {
    let test_modules: BTreeSet<PathBuf> =
        texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let is_test_file = |path: &Path| {
        let module = if path.ends_with("mod.rs") { path.parent().map(Path::to_owned) } else { None };
        let module = module.unwrap_or_else(|| path.with_extension(""));
        module.ancestors().any(|module| test_modules.contains(module))
    };
    texts
        .into_iter()
        .map(|(path, text)| {
            let whole = is_test_file(&path);
            let path = path.to_string_lossy().replace('\\', "/");
            Source { path, lines: mark(&text, whole) }
        })
        .collect()
}

/// The modules that a file declares behind `#[cfg(test)]`, as paths without an extension.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    let owns_dir = ["mod", "lib", "main"].iter().any(|name| stem == *name);
    let dir = if owns_dir { path.parent().unwrap_or(path).to_owned() } else { path.with_extension("") };
    let mut behind = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("#[cfg(test)]") {
            behind = true;
        } else if !line.starts_with("#[") {
            let name = line.trim_start_matches("pub(crate) ").strip_prefix("mod ");
            if let Some(name) = name.and_then(|rest| rest.strip_suffix(';')).filter(|_| behind) {
                found.push(dir.join(name));
            }
            behind = false;
        }
    }
    found
}

/// Marks what stands in a `#[cfg(test)]` block. rustfmt sees to it that such a block ends with a brace that is indented as
/// its first line is.
fn mark(text: &str, whole: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut behind = false;
    let mut closing: Option<String> = None;
    for text in text.lines() {
        let trimmed = text.trim_start();
        let indent = text.len() - trimmed.len();
        let mut is_test = whole || closing.is_some();
        if closing.as_deref() == Some(text) {
            closing = None;
        } else if closing.is_none() && trimmed.starts_with("#[cfg(test)]") {
            behind = true;
            is_test = true;
        } else if closing.is_none() && behind {
            is_test = true;
            if !trimmed.starts_with("#[") && !trimmed.starts_with("//") {
                behind = false;
                if trimmed.ends_with('{') {
                    closing = Some(format!("{}}}", " ".repeat(indent)));
                }
            }
        }
        lines.push(Line { text: text.to_owned(), is_test });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(source: &Source) -> Vec<usize> {
        source.lines.iter().enumerate().filter(|(_, line)| line.is_test).map(|(at, _)| at + 1).collect()
    }

    #[test]
    fn test_blocks_and_test_files_are_marked() {
        let all = sources(vec![
            (PathBuf::from("src/lib.rs"), "mod a;\n#[cfg(test)]\nmod common;\nfn f() {}\n".to_owned()),
            (
                PathBuf::from("src/a.rs"),
                "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {\n    }\n}\nfn h() {}\n".to_owned(),
            ),
            (PathBuf::from("src/common/mod.rs"), "fn f() {}\n".to_owned()),
            (PathBuf::from("src/common/deep.rs"), "fn f() {}\n".to_owned()),
            (PathBuf::from("src/common_sense.rs"), "fn f() {}\n".to_owned()),
        ]);
        let marked: Vec<Vec<usize>> = all.iter().map(tests_of).collect();
        assert_eq!(marked, [vec![2, 3], vec![2, 3, 4, 5, 6], vec![1], vec![1], vec![]]);
    }
}
