//! Two processes race on one actor of a replicated store, each with a cache that is always stale; then again while the
//! stream's leader is cut off from its peers.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_core::{ActorId, EventStore, Head, RecordedCommit, Version};
use aether_nats_server::{NatsCluster, NatsServer, unique_name};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;
use futures_util::TryStreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::block_in_place;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Plan;
use crate::faults::whole;
use crate::racer::{ACTOR, Round, Told, Tried};
use crate::report::Report;
use crate::writers::{config, connect};

/// Both races.
pub(crate) async fn run(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let cluster = block_in_place(|| NatsServer::builder().isolatable(true).start_cluster())?;
    race("race", &cluster, plan.share(10_000), 0, plan, report).await?;
    race("race, cut", &cluster, plan.share(15_000), plan.share(6), plan, report).await
}

async fn race(
    scenario: &'static str,
    cluster: &NatsCluster,
    rounds: u64,
    cuts: u64,
    plan: &Plan,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (urls, namespace) = (cluster.urls(), unique_name("campaign"));
    let store = JetStreamEventStore::create(connect(&urls).await?, config(&namespace, 3)).await?;
    whole(&urls, store.stream_name()).await?;
    let done = Arc::new(AtomicU64::new(0));
    let racers: Vec<_> = (0..2)
        .map(|number| {
            let seed = plan.seed.wrapping_add(number);
            tokio::spawn(racer(urls.clone(), namespace.clone(), rounds, seed, Arc::clone(&done)))
        })
        .collect();
    let mut made = 0;
    let ended = || racers.iter().any(tokio::task::JoinHandle::is_finished);
    while made < cuts && !ended() {
        progress(&done, 60, &ended).await?;
        let Some(leader) = block_in_place(|| cluster.stream_leader(store.stream_name())) else { continue };
        println!("  cut {made}: {} rounds so far", done.load(Ordering::Relaxed));
        if made % 2 == 0 {
            cluster.isolate_silently(leader)?;
        } else {
            cluster.isolate(leader)?;
        }
        let went_on = progress(&done, 60, &ended).await;
        cluster.heal(leader)?;
        went_on.context("with the stream's leader cut off")?;
        whole(&urls, store.stream_name()).await?;
        made += 1;
    }
    let mut told = Vec::new();
    for racer in racers {
        told.extend(racer.await??);
    }
    report.count(scenario, "rounds of both processes", told.len() as u64);
    report.at_least(scenario, "times that the stream's leader was cut off", made, cuts);
    let commits = store.get_commits(&ActorId::new(ACTOR)?, Head::NONE);
    audit(scenario, &told, &commits.try_collect::<Vec<_>>().await?, report);
    Ok(())
}

/// Waits until the racers have done so many more rounds, or one has done all.
async fn progress(done: &AtomicU64, rounds: u64, ended: impl Fn() -> bool) -> anyhow::Result<()> {
    let (until, deadline) = (done.load(Ordering::Relaxed) + rounds, Instant::now() + Duration::from_secs(90));
    while done.load(Ordering::Relaxed) < until && !ended() {
        anyhow::ensure!(Instant::now() < deadline, "the racers do not get on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Runs one process, and gives what it said.
async fn racer(
    urls: Vec<String>,
    namespace: String,
    rounds: u64,
    seed: u64,
    done: Arc<AtomicU64>,
) -> anyhow::Result<Vec<Round>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["racer", "--urls", &urls.join(","), "--namespace", &namespace])
        .args(["--rounds", &rounds.to_string(), "--seed", &seed.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output of the racer")?).lines();
    let mut told = Vec::new();
    while let Some(line) = lines.next_line().await? {
        told.push(serde_json::from_str(&line)?);
        done.fetch_add(1, Ordering::Relaxed);
    }
    let status = child.wait().await?;
    anyhow::ensure!(status.success(), "a racer ended with {status}");
    Ok(told)
}

/// Compares what the racers were told with the log.
fn audit(scenario: &'static str, told: &[Round], log: &[RecordedCommit], report: &mut Report) {
    let mut places: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (place, commit) in log.iter().enumerate() {
        let ids = commit.events.iter().map(|event| event.id()).chain(commit.id);
        for id in ids {
            places.entry(id).or_default().push(place);
        }
    }
    let before = |place: usize| place.checked_sub(1).map_or(Head::NONE, |place| log[place].head);
    // When each commit is known to have stood, by an acknowledgement.
    let mut acknowledged: HashMap<u64, u128> = HashMap::new();
    for round in told {
        if let Told::Saved(head) = round.told {
            let at = acknowledged.entry(head.sequence()).or_insert(round.ended);
            *at = (*at).min(round.ended);
        }
    }
    let (mut missing, mut twice, mut refused_there, mut unseen, mut false_confirms) = (0, 0, 0, 0, 0);
    let (mut saves, mut conflicts, mut confirms, mut unknown) = (0, 0, 0, 0);
    for round in told {
        let there = round.id.and_then(|id| places.get(&id)).map_or(&[][..], Vec::as_slice);
        twice += u64::from(there.len() > 1);
        match round.told {
            Told::Saved(_) => {
                saves += 1;
                missing += u64::from(there.is_empty());
                let Some(&place) = there.first() else { continue };
                unseen += u64::from(match round.tried {
                    Tried::Exact(version) => before(place).version() != version,
                    Tried::At(head) | Tried::NoteAt(head) => before(place).sequence() != head.sequence(),
                    Tried::Ascending | Tried::Confirm(_) => false,
                });
            }
            Told::Conflict | Told::NotSaved => {
                conflicts += u64::from(round.told == Told::Conflict);
                refused_there += u64::from(!there.is_empty());
            }
            Told::Unknown => unknown += 1,
            Told::Confirmed(true) => {
                confirms += 1;
                let Tried::Confirm(head) = round.tried else { continue };
                let next = log.iter().find(|commit| commit.head.sequence() > head.sequence());
                let overtaken = next.and_then(|next| acknowledged.get(&next.head.sequence()));
                false_confirms += u64::from(overtaken.is_some_and(|&at| at < round.began));
            }
            Told::Confirmed(false) => {}
        }
    }
    let versions: Vec<Version> =
        log.iter().flat_map(|commit| commit.events.iter().map(|event| event.version())).collect();
    let broken = versions.windows(2).filter(|pair| pair[0] >= pair[1]).count();
    report.count(scenario, "saves acknowledged", saves);
    report.count(scenario, "version conflicts", conflicts);
    report.count(scenario, "heads confirmed", confirms);
    report.count(scenario, "saves of unknown outcome", unknown);
    report.never(scenario, "versions twice or out of order", broken as u64);
    report.never(scenario, "acknowledged commits that are missing", missing);
    report.never(scenario, "commits that are there twice", twice);
    report.never(scenario, "refused commits that are there", refused_there);
    report.never(scenario, "Exact or At saves over an unseen commit", unseen);
    report.never(scenario, "false confirmations", false_confirms);
}
