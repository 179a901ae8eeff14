//! [`Outcome`]: what came of it all.

use std::time::{Duration, Instant};

use aether_store_jetstream::JetStreamEventStore;

use super::fault::{Fault, Struck};
use super::stage::Stage;
use crate::Plan;
use crate::lists::hammer::Done;
use crate::lists::history::{Answered, Asked, Verdict, longest_gap};
use crate::report::Report;
use crate::writers::connect;

const SCENARIO: &str = "R3 cluster";
/// How long nobody may be answered, elections and all.
const GAP: Duration = Duration::from_secs(30);

/// What was done, and what was answered.
pub(super) struct Outcome {
    pub(super) struck: Vec<Struck>,
    pub(super) done: Done,
    pub(super) took: Duration,
    /// Faults after which nothing went on.
    pub(super) stuck: u64,
    /// Nodes that have ended by themselves.
    pub(super) fallen: u64,
}

impl Outcome {
    /// Holds it against the log.
    pub(super) async fn report(&self, stage: &Stage, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
        let Self { struck, done, took, stuck, fallen } = self;
        let fresh = JetStreamEventStore::open(connect(&stage.servers.urls()).await?, stage.store()).await?;
        let verdict = Verdict::of(&fresh, &done.operations).await.map_err(anyhow::Error::msg)?;
        report.at_least(SCENARIO, "faults in all", struck.len() as u64, plan.share(super::FAULTS));
        for fault in Fault::ALL.into_iter().filter(|fault| stage.allows(*fault)) {
            let times = struck.iter().filter(|struck| struck.fault == fault).count() as u64;
            report.count(SCENARIO, fault.name(), times);
        }
        report.count(SCENARIO, "commands and queries", verdict.operations);
        report.count(SCENARIO, "of those, each second", verdict.operations / took.as_secs().max(1));
        report.count(SCENARIO, "of those, sent more than once", verdict.sent_again);
        report.count(SCENARIO, "of those, refused", verdict.refused);
        report.count(SCENARIO, "of those, too long ago to tell", verdict.window_passed);
        for (what, wanted) in
            [("owners for all shards after the loss of a node", 0), ("answers that a lost node held up", 1)]
        {
            let times = struck.iter().filter(|struck| is_loss(struck.fault));
            let mut times: Vec<Duration> = match wanted {
                0 => times.filter_map(|struck| struck.owned).collect(),
                _ => times.map(|struck| self.held_up(struck)).collect(),
            };
            times.sort_unstable();
            let middle = times.get(times.len() / 2).copied().unwrap_or_default();
            report.count(SCENARIO, format!("{what}, p50 (ms)"), millis(middle)?);
            report.count(
                SCENARIO,
                format!("{what}, longest (ms)"),
                millis(times.last().copied().unwrap_or_default())?,
            );
        }
        let waited = done.operations.iter().map(|operation| operation.ended - operation.began).max();
        report.count(SCENARIO, "longest time of one question (ms)", millis(waited.unwrap_or_default())?);
        let gap = longest_gap(&done.operations);
        report.count(SCENARIO, "longest time without any answer (ms)", millis(gap)?);
        self.partitions(stage, report)?;
        report.never(SCENARIO, "stalls of more than 30 s", u64::from(gap > GAP));
        report.never(SCENARIO, "faults that were not got over", *stuck);
        report.never(SCENARIO, "nodes that ended by themselves", *fallen);
        report.never(SCENARIO, "commands without an answer within 60 s", self.unanswered());
        report.count(SCENARIO, "queries without an answer", self.unanswered_queries());
        report.never(SCENARIO, "commands answered in two ways", done.disagreed);
        for (what, count) in verdict.violations() {
            report.never(SCENARIO, what, count);
        }
        Ok(())
    }

    /// What partitions by network namespaces did.
    fn partitions(&self, stage: &Stage, report: &mut Report) -> anyhow::Result<()> {
        let Ok(network) = &stage.network else {
            report.count(SCENARIO, "network namespaces: not allowed here, partitions by them", 0);
            return Ok(());
        };
        for (whom, fault, link) in [
            ("nodes", Fault::NodePartitioned, &network.node),
            ("servers", Fault::ServerPartitioned, &network.server),
        ] {
            let all: Vec<_> = self.struck.iter().filter(|struck| struck.fault == fault).collect();
            let silent = all.iter().map(|struck| self.silent(struck)).max().unwrap_or_default();
            let waited = all.iter().map(|struck| self.waited(struck)).max().unwrap_or_default();
            let name = |what: &str| format!("{whom} partitioned: {what}");
            report.count(SCENARIO, name("longest time without any answer (ms)"), millis(silent)?);
            report.count(SCENARIO, name("longest time of one question (ms)"), millis(waited)?);
            // As long as nothing is lost on the way, nothing is sent again: here it must have been.
            report.at_least(
                SCENARIO,
                name("segments sent again by TCP"),
                link.sent_again()?,
                all.len() as u64,
            );
        }
        Ok(())
    }

    /// The longest time without an answer to anybody from a fault until it was over.
    fn silent(&self, struck: &Struck) -> Duration {
        let ends = self.done.operations.iter().map(|operation| operation.ended);
        let mut ends: Vec<_> = ends.filter(|end| (struck.at..struck.over).contains(end)).collect();
        ends.extend([struck.at, struck.over]);
        ends.sort_unstable();
        ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// The longest time of one question that waited while a fault lasted.
    fn waited(&self, struck: &Struck) -> Duration {
        let during = self.done.operations.iter();
        let during = during.filter(|operation| operation.began < struck.over && operation.ended > struck.at);
        during.map(|operation| operation.ended - operation.began).max().unwrap_or_default()
    }

    /// How long it took from the fault until the last answer came that it had held up.
    fn held_up(&self, struck: &Struck) -> Duration {
        const SLOW: Duration = Duration::from_millis(500);
        let over = self.struck.iter().map(|other| other.at).filter(|at| *at > struck.at).min();
        let over = over.unwrap_or_else(|| Instant::now() + SLOW);
        let during = self.done.operations.iter().filter(|operation| {
            let is_slow = operation.ended - operation.began > SLOW;
            is_slow && operation.ended > struck.at && operation.began < over && operation.ended < over
        });
        during.map(|operation| operation.ended - struck.at).max().unwrap_or_default()
    }

    fn unanswered(&self) -> u64 {
        self.failed(|asked| !matches!(asked, Asked::Peek { .. }))
    }

    fn unanswered_queries(&self) -> u64 {
        self.failed(|asked| matches!(asked, Asked::Peek { .. }))
    }

    fn failed(&self, wanted: impl Fn(&Asked) -> bool) -> u64 {
        let failed = self.done.operations.iter().filter(|operation| {
            let Answered::Failed(error) = &operation.answered else { return false };
            wanted(&operation.asked) && !matches!(error, aether_actor::ActorError::WindowPassed { .. })
        });
        let failed: Vec<_> = failed.collect();
        for operation in failed.iter().take(5) {
            println!("  not answered: {operation:?}");
        }
        failed.len() as u64
    }
}

/// Whether others have to notice that a node is gone.
fn is_loss(fault: Fault) -> bool {
    matches!(fault, Fault::NodeKilled | Fault::LeaderLost | Fault::NodeFrozen | Fault::NodePartitioned)
}

fn millis(time: Duration) -> anyhow::Result<u64> {
    Ok(u64::try_from(time.as_millis())?)
}
