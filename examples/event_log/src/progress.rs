//! How far the work is: a bar on a terminal, a line now and then elsewhere. All of it goes to stderr.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// Where there is no terminal, a line is written in this many seconds.
const LINE_EVERY: u64 = 2;

/// The progress of one stage of the work.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    waiting: AtomicBool,
    lines: AtomicU64,
}

impl Progress {
    /// A stage with this many events to come.
    pub(crate) fn new(what: &'static str, events: usize) -> Self {
        let bar = ProgressBar::new(events as u64).with_message(what);
        let template = "{msg} {wide_bar} {human_pos} of {human_len} events, {per_sec:>12}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("per_sec", per_second));
        }
        Self { bar, what, waiting: AtomicBool::new(false), lines: AtomicU64::new(0) }
    }

    /// These many events are done.
    pub(crate) fn advance(&self, events: u64) {
        self.waiting.store(false, Ordering::Relaxed);
        self.bar.inc(events);
        let due = self.bar.elapsed().as_secs() / LINE_EVERY;
        if self.bar.is_hidden() && self.lines.fetch_max(due, Ordering::Relaxed) < due {
            let (done, all) = (HumanCount(self.bar.position()), HumanCount(self.bar.length().unwrap_or(0)));
            eprintln!("{}: {done} of {all} events, {} events/s", self.what, self.rate());
        }
    }

    fn rate(&self) -> HumanCount {
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-6);
        HumanCount((self.bar.position() as f64 / seconds) as u64)
    }

    /// The store does not answer: says so, once until it goes on.
    pub(crate) fn wait(&self, error: impl Display) {
        if !self.waiting.swap(true, Ordering::Relaxed) {
            let line = format!("{}: trying again, since {error}", self.what);
            if self.bar.is_hidden() { eprintln!("{line}") } else { self.bar.println(line) }
        }
    }

    /// The stage is over.
    pub(crate) fn finish(&self, result: &str) {
        let (rate, seconds) = (self.rate(), self.bar.elapsed().as_secs_f64());
        self.bar.finish_and_clear();
        eprintln!("{}: {result} in {seconds:.2} s, {rate} events/s", self.what);
    }
}

fn per_second(state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write) {
    // Writing to the terminal's line cannot fail.
    let _ = write!(out, "{} events/s", HumanCount(state.per_sec() as u64));
}
