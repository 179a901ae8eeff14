//! [`Rule`]: one demand of the contract, and how it is put to the runtime on a store.

use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;

use futures_util::FutureExt;

use super::Fixture;

/// What a rule is while it runs.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One demand of the contract.
#[derive(Clone, Copy)]
pub struct Rule {
    pub(super) theme: &'static str,
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) run: for<'a> fn(&'a dyn Fixture) -> Running<'a>,
}

impl Rule {
    /// The theme that the rule belongs to, such as `once`.
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

    /// Holds the runtime on the fixture's store against the rule, in a tokio runtime of its own.
    ///
    /// # Panics
    /// If the rule is broken, or takes longer than the fixture's deadline.
    pub fn run(&self, fixture: &dyn Fixture) {
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
            Ok(Ok(())) => {}
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!("{self} took longer than {deadline:?}: something is stuck"),
        }
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

/// For the macro: runs the rule of this name as a test.
///
/// # Panics
/// If the rule is broken, or there is none of this name.
#[doc(hidden)]
pub fn check(rules: &[Rule], name: &str, fixture: &dyn Fixture) {
    let Some(rule) = rules.iter().find(|rule| rule.to_string() == name) else {
        panic!("there is no rule {name}");
    };
    let _demand = Demand(rule);
    rule.run(fixture);
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
