//! [`Screen`]: what happens, and below it, in a terminal, what the cluster and the customers do at the moment.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aether::cluster::{ClusterManager, ClusterStatus, MemberStatus, ShardsStatus};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::tally::{Figures, Tally};

/// How often the table is drawn again in a terminal, and how often there is a line of it elsewhere.
const REDRAW: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(1);
/// Over which time commands are counted.
const RATE_OVER: Duration = Duration::from_secs(1);
/// How many shards one mark of a bar stands for.
const SHARDS_A_MARK: usize = 20;

/// What is shown. The last lines are a table that is drawn again and again, if there is a terminal to draw it on.
#[derive(Debug)]
pub(crate) struct Screen {
    canvas: Arc<Mutex<Canvas>>,
    /// Draws for as long as there is a screen.
    _drawing: JoinSet<()>,
}

#[derive(Debug)]
struct Canvas {
    is_terminal: bool,
    began: Instant,
    /// How many lines the table has that is on the screen.
    drawn: usize,
    /// What is going on.
    now: String,
    watcher: Option<ClusterManager>,
    tally: Tally,
    rate: Rate,
}

/// How many commands are answered in a second.
#[derive(Debug)]
struct Rate {
    since: Instant,
    answered: usize,
    per_second: f64,
}

impl Screen {
    /// A screen that shows these figures.
    pub(crate) fn new(tally: Tally) -> Self {
        let (is_terminal, began) = (std::io::stdout().is_terminal(), Instant::now());
        let rate = Rate { since: began, answered: 0, per_second: 0.0 };
        let now = String::new();
        let canvas = Canvas { is_terminal, began, drawn: 0, now, watcher: None, tally, rate };
        let canvas = Arc::new(Mutex::new(canvas));
        let mut drawing = JoinSet::new();
        let theirs = Arc::clone(&canvas);
        drawing.spawn(async move {
            let mut ticks = tokio::time::interval(if is_terminal { REDRAW } else { LINE });
            loop {
                ticks.tick().await;
                lock(&theirs).draw();
            }
        });
        Self { canvas, _drawing: drawing }
    }

    /// From now on it shows the cluster as this member sees it.
    pub(crate) fn watch(&self, watcher: ClusterManager) {
        lock(&self.canvas).watcher = Some(watcher);
    }

    /// Something begins.
    pub(crate) fn begin(&self, what: impl Into<String>) {
        let mut canvas = lock(&self.canvas);
        canvas.now = what.into();
        let line = format!("{:>5.1} s  {}", canvas.began.elapsed().as_secs_f64(), canvas.now);
        canvas.say(&line);
    }

    /// What came of it.
    pub(crate) fn result(&self, what: &str) {
        lock(&self.canvas).say(&format!("         -> {what}"));
    }

    /// Nothing is drawn any more; the last table stays.
    pub(crate) fn end(self) {
        let mut canvas = lock(&self.canvas);
        canvas.now = "done".to_owned();
        canvas.draw();
    }
}

fn lock(canvas: &Mutex<Canvas>) -> MutexGuard<'_, Canvas> {
    // At worst a table is drawn twice.
    canvas.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Canvas {
    /// A line that stays.
    fn say(&mut self, line: &str) {
        let text = format!("{}{line}\n", self.rub_out());
        print(&text);
        if self.is_terminal {
            self.draw();
        }
    }

    fn draw(&mut self) {
        let answered = self.tally.figures().answered;
        self.rate.count(answered);
        let Some(status) = self.watcher.as_ref().map(ClusterManager::status) else { return };
        let text = if self.is_terminal { self.table(&status) } else { self.line(&status) };
        let rubbed_out = self.rub_out();
        self.drawn = if self.is_terminal { text.lines().count() } else { 0 };
        print(&format!("{rubbed_out}{text}"));
    }

    /// What takes the table off the screen: back to its first line, and clear from there.
    fn rub_out(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A\r\u{1b}[J"),
        }
    }

    fn table(&self, status: &ClusterStatus) -> String {
        let figures = self.tally.figures();
        let mut out = String::from("\n");
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "    {:<9}{:<9}{:>6}", "member", "is", "shards");
        for member in &status.members {
            let bar = if is_watcher(status, member) {
                "this program, which only looks on".to_owned()
            } else {
                "#".repeat(member.shards.div_ceil(SHARDS_A_MARK))
            };
            let (id, state) = (member.member.id().to_string(), member.state.as_str());
            let _ = writeln!(out, "    {id:<9}{state:<9}{:>6}  {bar}", member.shards);
        }
        let ShardsStatus { total, owned, moving, .. } = status.shards;
        let _ = writeln!(
            out,
            "\n    leader {}; {owned} of {total} shards owned, {moving} moving",
            leader(status)
        );
        let Figures { answered, refused, waiting, longest, failed } = figures;
        let (rate, longest) = (self.rate.per_second, longest.as_secs_f64());
        let _ =
            writeln!(out, "    {rate:.0} commands/s; {waiting} wait for an answer, for up to {longest:.1} s");
        let _ = writeln!(out, "    {answered} answered ({refused} refused: not covered), {failed} failed");
        let _ = writeln!(out, "\n    {:>5.1} s  {}", self.began.elapsed().as_secs_f64(), self.now);
        out
    }

    fn line(&self, status: &ClusterStatus) -> String {
        let figures = self.tally.figures();
        let nodes = status.members.iter().filter(|member| !is_watcher(status, member));
        let nodes: Vec<String> = nodes
            .map(|member| match member.state.as_str() {
                "up" => format!("{} {}", member.member.id(), member.shards),
                state => format!("{} {} ({state})", member.member.id(), member.shards),
            })
            .collect();
        format!(
            "            {} | moving {} | leader {} | {:.0}/s, answered {}, waiting {} ({:.1} s), failed {}\n",
            nodes.join(", "),
            status.shards.moving,
            leader(status),
            self.rate.per_second,
            figures.answered,
            figures.waiting,
            figures.longest.as_secs_f64(),
            figures.failed
        )
    }
}

impl Rate {
    fn count(&mut self, answered: usize) {
        let elapsed = self.since.elapsed();
        if elapsed >= RATE_OVER.mul_f64(0.9) {
            self.per_second = (answered - self.answered) as f64 / elapsed.as_secs_f64();
            (self.since, self.answered) = (Instant::now(), answered);
        }
    }
}

fn is_watcher(status: &ClusterStatus, member: &MemberStatus) -> bool {
    member.member.node == status.node
}

fn leader(status: &ClusterStatus) -> String {
    match &status.leader {
        Some(leader) => format!("{} (epoch {})", leader.node, leader.epoch),
        None => "unknown".to_owned(),
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may be looking any more; what is shown is not what is proved.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
