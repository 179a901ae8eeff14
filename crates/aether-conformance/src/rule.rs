//! [`Rule`]: one requirement of a contract, and the runner that holds an implementation against it.

use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::store::Capability;

/// A rule while it runs.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The parts of a kit's fixture that the runner of rules needs.
///
/// The kits implement it for their own `Fixture`; authors of stores implement those.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Returns why the implementation lacks the capability, or `None` if it has it.
    fn lacks(&self, capability: Capability) -> Option<String>;

    /// Returns how long one rule may take before it counts as stuck.
    fn time_limit(&self) -> Duration;

    /// Removes what the rule has left behind. Called after each rule, also after a broken one.
    async fn tidy_up(&self);
}

/// One requirement of a contract, for implementations that the fixture `F` opens.
pub struct Rule<F: ?Sized + 'static> {
    pub(crate) theme: &'static str,
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) needs: &'static [Capability],
    pub(crate) unless: &'static [Capability],
    pub(crate) run: for<'a> fn(&'a F) -> Running<'a>,
}

/// The result of a rule that was not broken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The implementation keeps the rule.
    Kept,
    /// The rule did not run.
    NotRun {
        /// The capability that decided it, and the fixture's reason to decline it.
        reason: String,
    },
}

impl<F: ?Sized> Rule<F> {
    /// Returns the theme that the rule belongs to, such as `versions`.
    #[must_use]
    pub fn theme(&self) -> &'static str {
        self.theme
    }

    /// Returns the name of the rule, which is unique within its theme.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the requirement, in a sentence.
    #[must_use]
    pub fn says(&self) -> &'static str {
        self.says
    }
}

impl<F: Subject + ?Sized> Rule<F> {
    /// Holds the implementation against the rule, in a tokio runtime of its own.
    ///
    /// # Panics
    /// If the rule is broken, or takes longer than the fixture's deadline.
    pub fn run(&self, fixture: &F) -> Outcome {
        if let Some(reason) = self.not_run(fixture) {
            return Outcome::NotRun { reason };
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => panic!("no runtime for {self}: {error}"),
        };
        let limit = fixture.time_limit();
        let ended = runtime.block_on(async {
            let ended =
                tokio::time::timeout(limit, AssertUnwindSafe((self.run)(fixture)).catch_unwind()).await;
            fixture.tidy_up().await;
            ended
        });
        runtime.shutdown_background();
        match ended {
            Ok(Ok(())) => Outcome::Kept,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!("{self} took longer than {limit:?}: something is stuck"),
        }
    }

    fn not_run(&self, fixture: &F) -> Option<String> {
        let needs = |&capability: &Capability| {
            fixture.lacks(capability).map(|reason| format!("it needs {capability}: {reason}"))
        };
        let unless = |&capability: &Capability| {
            fixture.lacks(capability).is_none().then(|| format!("it is for stores without {capability}"))
        };
        self.needs.iter().find_map(needs).or_else(|| self.unless.iter().find_map(unless))
    }
}

impl<F: ?Sized> Clone for Rule<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: ?Sized> Copy for Rule<F> {}

impl<F: ?Sized> fmt::Display for Rule<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.theme, self.name)
    }
}

impl<F: ?Sized> fmt::Debug for Rule<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({self}: {})", self.says)
    }
}

/// Runs the rule of this name as a test, for the macros.
///
/// # Panics
/// If the implementation breaks the rule, or there is no such rule.
#[doc(hidden)]
pub fn check<F: Subject + ?Sized>(rules: &[Rule<F>], name: &str, fixture: &F) {
    let Some(rule) = rules.iter().find(|rule| rule.to_string() == name) else {
        panic!("there is no rule {name}");
    };
    let _demand = Demand(rule);
    // Writing to stderr directly passes the capture of tests: a rule that does not run is visible also in a test that passes.
    if let Outcome::NotRun { reason } = rule.run(fixture) {
        let _ =
            writeln!(std::io::stderr().lock(), "conformance: {rule} ({}) was NOT RUN: {reason}", rule.says);
    }
}

/// Prints the requirement when its rule is broken.
struct Demand<'a, F: ?Sized + 'static>(&'a Rule<F>);

impl<F: ?Sized> Drop for Demand<'_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr().lock(), "conformance: {} is BROKEN: {}", self.0, self.0.says);
        }
    }
}
