//! Holds each mutant against its rule, and prints the table.

use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use aether_conformance::store::{
    EVENT_STORE_RULES, Rule, SNAPSHOT_STORE_RULES, SUBSCRIPTION_RULES, TIMER_RULES,
};

use crate::faults;
use crate::mutant::{Mutant, Opens};

/// Rules at work at the same time; most of them wait.
const THREADS: usize = 8;

fn rules() -> impl Iterator<Item = &'static Rule> {
    EVENT_STORE_RULES.iter().chain(SUBSCRIPTION_RULES).chain(SNAPSHOT_STORE_RULES).chain(TIMER_RULES)
}

#[test]
fn every_rule_has_a_mutant() {
    let rules: BTreeSet<String> = rules().map(Rule::to_string).collect();
    let mutants: BTreeSet<String> = faults::all().iter().map(|mutant| mutant.rule.to_owned()).collect();
    let without: Vec<_> = rules.difference(&mutants).collect();
    assert!(without.is_empty(), "no mutant breaks {without:?}");
    let unknown: Vec<_> = mutants.difference(&rules).collect();
    assert!(unknown.is_empty(), "there are no such rules: {unknown:?}");
}

/// What a rule said of a mutant; `None` if it let it pass or did not run.
fn caught(rule: &Rule, mutant: Mutant) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| rule.run(&Opens(mutant)))) {
        Ok(_) => None,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Some(text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?").to_owned())
        }
    }
}

#[test]
fn every_mutant_is_caught_by_its_rule() {
    // These panics are what is wanted; nobody has to see them.
    std::panic::set_hook(Box::new(|_| {}));
    let (left, rows) = (Mutex::new(faults::all()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = left.lock().unwrap().pop() else { break };
                    let Some(rule) = rules().find(|rule| rule.to_string() == mutant.rule) else { continue };
                    let caught = caught(rule, mutant);
                    rows.lock().unwrap().push((mutant, caught));
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(mutant, _)| rules().position(|rule| rule.to_string() == mutant.rule));
    print(&rows);
    let passed: Vec<_> =
        rows.iter().filter(|(_, caught)| caught.is_none()).map(|(mutant, _)| mutant.rule).collect();
    assert!(passed.is_empty(), "mutants were let pass by {passed:?}");
}

/// Prints the table past the capture of tests: it is to be seen when they pass.
fn print(rows: &[(Mutant, Option<String>)]) {
    let mut out = std::io::stderr().lock();
    let width = rows.iter().map(|(mutant, _)| mutant.rule.len()).max().unwrap_or(0);
    let wide = rows.iter().map(|(mutant, _)| mutant.fault.len()).max().unwrap_or(0);
    let _ = writeln!(out, "\n{:width$} | {:wide$} | caught", "rule", "the mutant that");
    for (mutant, caught) in rows {
        let caught = if caught.is_some() { "yes" } else { "NO" };
        let _ = writeln!(out, "{:width$} | {:wide$} | {caught}", mutant.rule, mutant.fault);
    }
    let kept = rows.iter().filter(|(_, caught)| caught.is_some()).count();
    let _ = writeln!(out, "{kept} of {} mutants were caught\n", rows.len());
}
