//! [`Rule`]: one demand of the contract, and how it is put to a store.

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;

use futures_util::FutureExt;

use super::{Capability, Fixture};

/// What a rule is while it runs.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One demand of the contract.
#[derive(Clone, Copy)]
pub struct Rule {
    pub(super) theme: &'static str,
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) needs: &'static [Capability],
    pub(super) unless: &'static [Capability],
    pub(super) run: for<'a> fn(&'a dyn Fixture) -> Running<'a>,
}

/// What became of a rule that was not broken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store keeps it.
    Kept,
    /// It was not run.
    NotRun {
        /// Why not: the capability, and the fixture's reason to decline it.
        reason: String,
    },
}

impl Rule {
    /// The theme that the rule belongs to, such as `versions`.
    #[must_use]
    pub fn theme(&self) -> &'static str {
        self.theme
    }

    /// The name of the rule, which no other of its theme has.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it demands, in a sentence.
    #[must_use]
    pub fn says(&self) -> &'static str {
        self.says
    }

    /// Holds the store against the rule, in a runtime of its own.
    ///
    /// # Panics
    /// If the store breaks the rule, or takes longer than the fixture's deadline.
    pub fn run(&self, fixture: &dyn Fixture) -> Outcome {
        if let Some(reason) = self.not_run(fixture) {
            return Outcome::NotRun { reason };
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => panic!("no runtime for {self}: {error}"),
        };
        let deadline = fixture.deadline();
        let ended = runtime.block_on(async {
            let ended =
                tokio::time::timeout(deadline, AssertUnwindSafe((self.run)(fixture)).catch_unwind()).await;
            fixture.clean_up().await;
            ended
        });
        runtime.shutdown_background();
        match ended {
            Ok(Ok(())) => Outcome::Kept,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!("{self} took longer than {deadline:?}: something is stuck"),
        }
    }

    fn not_run(&self, fixture: &dyn Fixture) -> Option<String> {
        let needs = |&capability: &Capability| {
            fixture.declines(capability).map(|reason| format!("it needs {capability}: {reason}"))
        };
        let unless = |&capability: &Capability| {
            fixture.declines(capability).is_none().then(|| format!("it is for stores without {capability}"))
        };
        self.needs.iter().find_map(needs).or_else(|| self.unless.iter().find_map(unless))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.theme, self.name)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({self}: {})", self.says)
    }
}

/// For the macros: runs the rule of this name as a test.
///
/// # Panics
/// If the store breaks the rule, or there is no such rule.
#[doc(hidden)]
pub fn check(rules: &[Rule], name: &str, fixture: &dyn Fixture) {
    let Some(rule) = rules.iter().find(|rule| rule.to_string() == name) else {
        panic!("there is no rule {name}");
    };
    let _demand = Demand(rule);
    // What goes to stderr directly is seen also when the test passes, which is the point of it.
    if let Outcome::NotRun { reason } = rule.run(fixture) {
        let _ =
            writeln!(std::io::stderr().lock(), "conformance: {rule} ({}) was NOT RUN: {reason}", rule.says);
    }
}

/// Says what was demanded when a rule is broken.
struct Demand<'a>(&'a Rule);

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr().lock(), "conformance: {} is BROKEN: {}", self.0, self.0.says);
        }
    }
}
