//! `cargo xtask test`: every test and doctest, against real servers.

use std::process::ExitCode;
use std::time::Instant;

use aether_nats_server::{ENV_R1, ENV_R3, NatsCluster, NatsServer};
use anyhow::{Context, Result};

use crate::metadata::{Metadata, Package};
use crate::shell::Cmd;

/// The crates whose unit tests need servers as well.
const NEEDS_SERVERS: &[&str] = &["aether-store-jetstream", "aether-tests"];
/// The harness. Integration tests of a crate that depends on it need servers, and so do its own.
const HARNESS: &str = "aether-nats-server";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Only what needs no server.
    #[arg(long)]
    fast: bool,
    /// Only this crate; `core` is `aether-core`.
    krate: Option<String>,
    /// Only tests whose path contains this.
    name: Option<String>,
}

/// The numbers of tests that passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let start = Instant::now();
    let (counts, complaints) = run_tests(args)?;
    println!();
    for complaint in &complaints {
        println!("error: {complaint}");
    }
    println!("all together took {} s", start.elapsed().as_secs());
    println!("{} passed, {} failed", counts.passed, counts.failed);
    Ok(if complaints.is_empty() && counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests; gives the counts, and which run ended badly.
pub(crate) fn run_tests(args: &Args) -> Result<(Counts, Vec<String>)> {
    let metadata = Metadata::load()?;
    let narrowed = args.krate.as_deref().map(|name| metadata.member(name)).transpose()?;
    let selection = select(&metadata, narrowed, args.fast);
    let servers = if args.fast { None } else { Some(Servers::start()?) };

    let mut counts = Counts::default();
    let mut complaints = Vec::new();
    let mut took = Vec::new();
    let mut run = |what: &'static str, cmd: Cmd| -> Result<bool> {
        let start = Instant::now();
        let cmd = servers.iter().fold(cmd, |cmd, servers| servers.tell(cmd));
        let (status, lines) = in_parallel(cmd).watch()?;
        took.push(format!("{what} {:.0} s", start.elapsed().as_secs_f64()));
        lines.iter().for_each(|line| counts.add(line));
        if !status.success() {
            complaints.push(format!("{what}: failed ({status})"));
        }
        Ok(status.success())
    };
    let filter = args.name.iter();
    let nextest = has_nextest();
    // The doctests have a run of their own below; without a choice of targets `cargo test` would run them too.
    let choose = !nextest && selection.targets.is_empty();
    let targets = if choose { all_targets(narrowed) } else { selection.targets };
    let compile = Cmd::cargo(["test", "--no-run", "--quiet", "--all-features"]);
    let compiled = run("compilation", compile.args(&selection.packages).args(&targets))?;
    // Errors of the compiler have been printed, and would be printed once more.
    if compiled && nextest {
        let cmd = Cmd::cargo(["nextest", "run", "--all-features", "--no-fail-fast", "--no-tests=pass"]);
        let chosen = selection.filter.iter().flat_map(|filter| ["-E", filter.as_str()]);
        run("tests", cmd.args(&selection.packages).args(&targets).args(chosen).args(filter.clone()))?;
    } else if compiled {
        let cmd = Cmd::cargo(["test", "--all-features", "--no-fail-fast"]);
        run("tests", cmd.args(&selection.packages).args(&targets).arg("--").args(filter.clone()))?;
    }
    if compiled && narrowed.is_none_or(|package| package.targets_of("lib").next().is_some()) {
        let cmd = Cmd::cargo(["test", "--doc", "--all-features", "--no-fail-fast"]);
        run("doctests", cmd.args(&selection.packages).arg("--").args(filter))?;
    }
    println!("\n{}", took.join(", "));
    if let Some(name) = &args.name
        && counts == Counts::default()
    {
        complaints.push(format!("no test is called `{name}`"));
    }
    Ok((counts, complaints))
}

/// The test program `program`, on the servers of another version.
pub(crate) fn run_on_version(version: &str, program: &str) -> Result<()> {
    let servers = Servers::start_version(version)?;
    let runner = if has_nextest() { Cmd::cargo(["nextest", "run"]) } else { Cmd::cargo(["test"]) };
    let cmd = runner.args(["--workspace", "--all-features", "--no-fail-fast", "--test", program]);
    let cmd = servers.tell(cmd).env("AETHER_NATS_VERSION", version);
    let (status, lines) = in_parallel(cmd).watch()?;
    let mut counts = Counts::default();
    lines.iter().for_each(|line| counts.add(line));
    anyhow::ensure!(status.success(), "tests failed on nats-server {version}");
    anyhow::ensure!(counts.passed > 0, "the test program `{program}` has no tests");
    Ok(())
}

/// The packages and targets to test, as arguments of cargo; no targets means all.
#[derive(Debug, PartialEq, Eq)]
struct Selection {
    packages: Vec<String>,
    targets: Vec<String>,
    /// A filter for nextest: test programs of several crates have the same name, and cargo selects all of them.
    filter: Option<String>,
}

fn select(metadata: &Metadata, narrowed: Option<&Package>, fast: bool) -> Selection {
    let of = |flag: &str, name: &str| [format!("--{flag}"), name.to_owned()];
    let mut packages = match narrowed {
        Some(package) => of("package", &package.name).to_vec(),
        None => vec!["--workspace".to_owned()],
    };
    if !fast {
        return Selection { packages, targets: Vec::new(), filter: None };
    }
    let mut without_tests = Vec::new();
    let mut targets = code_targets(narrowed);
    for member in metadata.members().filter(|member| narrowed.is_none_or(|only| only.name == member.name)) {
        let name = member.name.as_str();
        if NEEDS_SERVERS.contains(&name) {
            if narrowed.is_none() {
                packages.extend(of("exclude", name));
            }
        } else if name == HARNESS || member.dependencies.iter().any(|dependency| dependency.name == HARNESS) {
            without_tests.push(format!("package(={name})"));
        } else {
            targets.extend(member.targets_of("test").flat_map(|test| of("test", test)));
        }
    }
    let without = (!without_tests.is_empty()).then(|| without_tests.join(" + "));
    Selection { packages, targets, filter: without.map(|without| format!("not (kind(test) & ({without}))")) }
}

/// Everything that holds tests but the documentation.
fn all_targets(narrowed: Option<&Package>) -> Vec<String> {
    let mut targets = code_targets(narrowed);
    targets.push("--tests".to_owned());
    targets
}

/// Everything that holds tests but the documentation and the test programs.
fn code_targets(narrowed: Option<&Package>) -> Vec<String> {
    // Cargo refuses to test the library of a crate that has none.
    let lib = narrowed.is_none_or(|package| package.targets_of("lib").next().is_some());
    let all = lib.then_some("--lib").into_iter().chain(["--bins"]);
    all.map(str::to_owned).collect()
}

/// Returns true if nextest is installed. It runs the tests of all programs in parallel; `cargo test` runs one program after
/// the other.
fn has_nextest() -> bool {
    Cmd::cargo(["nextest", "--version"]).succeeds()
}

/// Runs more tests at once than there are cores: most of them wait for servers most of the time.
fn in_parallel(cmd: Cmd) -> Cmd {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = (2 * cores).to_string();
    cmd.env("NEXTEST_TEST_THREADS", &threads).env("RUST_TEST_THREADS", &threads)
}

/// One server and one cluster for a whole run of tests, which end with it.
#[derive(Debug)]
struct Servers {
    single: NatsServer,
    cluster: NatsCluster,
}

impl Servers {
    fn start() -> Result<Self> {
        let single = NatsServer::builder().start().context("cannot start a nats-server for the tests")?;
        let version = single.version().to_owned();
        Self::with_cluster(single, &version)
    }

    fn start_version(version: &str) -> Result<Self> {
        let single = NatsServer::builder().version(version).start().context("cannot start a nats-server")?;
        Self::with_cluster(single, version)
    }

    fn with_cluster(single: NatsServer, version: &str) -> Result<Self> {
        let cluster = NatsServer::builder()
            .version(version)
            .start_cluster()
            .context("cannot start a cluster of nats-servers for the tests")?;
        eprintln!("nats-server {version}: single at {}, cluster at {}", single.url(), cluster.url());
        Ok(Self { single, cluster })
    }

    fn tell(&self, cmd: Cmd) -> Cmd {
        cmd.env(ENV_R1, self.single.url()).env(ENV_R3, self.cluster.url())
    }
}

impl Counts {
    /// Counts what a summary line of nextest or of `cargo test` says.
    fn add(&mut self, line: &str) {
        // What `cargo test` says is not indented; under nextest it is, as the output of a test that failed.
        if !line.trim_start().starts_with("Summary [") && !line.starts_with("test result: ") {
            return;
        }
        let words: Vec<&str> =
            line.split_whitespace().map(|word| word.trim_matches([',', ';', '(', ')', ':'])).collect();
        for pair in words.windows(2) {
            if let [number, what] = pair
                && let Ok(number) = number.parse::<u64>()
            {
                match *what {
                    "passed" => self.passed += number,
                    // "2 timed out", "1 exec failed"
                    "failed" | "timed" | "exec" => self.failed += number,
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(lines: &[&str]) -> (u64, u64) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.add(line));
        (counts.passed, counts.failed)
    }

    #[test]
    fn counts_what_the_runners_say() {
        let nextest = "     Summary [   3.012s] 30 tests run: 26 passed (2 slow, 1 flaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped";
        assert_eq!(count(&[nextest]), (26, 4));
        let doctests = [
            "test result: ok. 11 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s",
        ];
        assert_eq!(count(&doctests), (13, 1));
        assert_eq!(count(&["test says_5_passed ... ok", "running 5 tests"]), (0, 0));
    }

    #[test]
    fn fast_leaves_out_what_needs_servers() {
        let metadata = Metadata::load().expect("metadata");
        let fast = select(&metadata, None, true);
        let excluded: Vec<&String> = fast.packages.iter().skip_while(|arg| *arg == "--workspace").collect();
        assert!(excluded.iter().any(|arg| *arg == "aether-store-jetstream"), "{fast:?}");
        let filter = fast.filter.as_deref().unwrap_or_default();
        assert!(filter.contains("package(=aether-nats-server)"), "{fast:?}");
        assert!(filter.contains("package(=aether-coordination)"), "{fast:?}");
        assert!(!filter.contains("package(=aether-core)"), "{fast:?}");
        let all = select(&metadata, None, false);
        assert_eq!(
            all,
            Selection { packages: vec!["--workspace".to_owned()], targets: Vec::new(), filter: None }
        );
    }

    #[test]
    fn a_crate_may_be_called_by_its_short_name() {
        let metadata = Metadata::load().expect("metadata");
        assert_eq!(metadata.member("core").expect("found").name, "aether-core");
        assert_eq!(metadata.member("aether").expect("found").name, "aether");
        assert!(metadata.member("nonsense").is_err());
    }
}
