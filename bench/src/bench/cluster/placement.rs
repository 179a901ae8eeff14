//! 4096 shards on 200 nodes: how even, how much moves when a node comes or goes, and how long a plan takes; and finding the
//! node of an actor.

use std::hint::black_box;

use aether_cluster::placement::{Candidate, Placement, Rendezvous, RingPlacement};
use aether_cluster::{Incarnation, NodeId, ShardTable};
use aether_core::ActorId;
use xxhash_rust::xxh3::xxh3_64;

use crate::report::{Goal, Report, Row};
use crate::rounds::{cost, medians, nanos_each, time};
use crate::sample;

const ROUNDS: usize = 7;
const SHARDS: usize = 4096;
const NODES: usize = 200;

type Owners = Vec<Option<usize>>;

pub(crate) fn plans(report: &mut Report) -> anyhow::Result<()> {
    let candidate = |n| anyhow::Ok(Candidate::new(NodeId::new(format!("node-{n}"))?));
    let all = (0..=NODES).map(candidate).collect::<anyhow::Result<Vec<_>>>()?;
    // The last one is the one that comes.
    let nodes = &all[..NODES];
    let strategy = Rendezvous::new();
    let none: Owners = vec![None; SHARDS];
    let owners = strategy.place(nodes, &none);
    let mean = SHARDS as f64 / NODES as f64;
    report.add(
        Row::new("placement: shards of the fullest of 200 nodes", fullest(&owners), "shards")
            .against(mean)
            .goal(Goal::AtMost(1.27))
            .note("4096 shards, new, against their mean"),
    );
    let by_ring = RingPlacement::default().place(nodes, &none);
    report.add(
        Row::new("placement: the same by a ring", fullest(&by_ring), "shards")
            .against(mean)
            .note("`RingPlacement`, for comparison"),
    );

    let joined = strategy.place(&all, &owners);
    let newcomer = joined.iter().filter(|owner| **owner == Some(NODES)).count();
    report.add(
        Row::new("placement: shards moved when a node joins", moved(&owners, &joined), "shards")
            .against(SHARDS as f64 / all.len() as f64)
            .goal(Goal::AtMost(1.25))
            .note(format!("against its fair share; it gets {newcomer}")),
    );
    let leaves = |gone: usize| {
        let rest: Vec<Candidate> =
            nodes.iter().enumerate().filter(|(n, _)| *n != gone).map(|(_, node)| node.clone()).collect();
        let place = |owner: usize| (owner != gone).then(|| owner - usize::from(owner > gone));
        let left: Owners = owners.iter().map(|owner| place((*owner)?)).collect();
        let had = left.iter().filter(|owner| owner.is_none()).count() as f64;
        (had + moved(&left, &strategy.place(&rest, &left)), had)
    };
    let (moves, had) = (0..NODES)
        .map(leaves)
        .max_by(|(a, of_a), (b, of_b)| (a / of_a).total_cmp(&(b / of_b)))
        .unwrap_or((f64::NAN, f64::NAN));
    report.add(
        Row::new("placement: shards moved when a node leaves", moves, "shards")
            .against(had)
            .goal(Goal::AtMost(1.25))
            .note("against those that it had; the worst of all 200"),
    );

    let millis = |nodes: &[Candidate], owners: &Owners| {
        let (took, placed) = time(|| strategy.place(nodes, owners));
        black_box(placed);
        Ok(took.as_secs_f64() * 1000.0)
    };
    let [new, join, same] = medians(
        ROUNDS,
        [&mut || millis(nodes, &none), &mut || millis(&all, &owners), &mut || millis(nodes, &owners)],
    )?;
    let rows =
        [("when all shards are new", new), ("when a node joins", join), ("when nothing changes", same)];
    for (when, took) in rows {
        report.add(
            Row::new(format!("placement: a plan {when}"), took, "ms")
                .against(50.0)
                .goal(Goal::AtMost(1.0))
                .note("against 50 ms"),
        );
    }
    Ok(())
}

fn fullest(owners: &Owners) -> f64 {
    let mut loads = [0_usize; NODES];
    for owner in owners.iter().flatten() {
        loads[*owner] += 1;
    }
    loads.into_iter().max().unwrap_or(0) as f64
}

/// The shards that are elsewhere, of those that somebody has or had.
fn moved(before: &Owners, after: &Owners) -> f64 {
    let pairs = before.iter().zip(after);
    pairs.filter(|(before, after)| before.is_some() && before != after).count() as f64
}

pub(crate) fn lookups(report: &mut Report) -> anyhow::Result<()> {
    // So few that they stay in the cache: it is the look-up that is measured.
    const ACTORS: usize = 1_000;
    const TIMES: usize = 1_000;
    const SHARDS: u16 = 1024;
    let actors = sample::actors("order", ACTORS)?;
    let nodes: Vec<Incarnation> = (0..3).map(|_| Incarnation::new()).collect();
    let table = ShardTable::new(SHARDS);
    table.replace((0..usize::from(SHARDS)).map(|shard| nodes.get(shard % 3).copied()));
    let each = |work: &dyn Fn(&ActorId)| {
        let (cost, ()) = cost(|| {
            for _ in 0..TIMES {
                actors.iter().for_each(work);
            }
        })?;
        Ok(nanos_each(cost.cpu, ACTORS * TIMES))
    };
    let look = |actor: &ActorId| {
        black_box(table.of(black_box(actor)));
    };
    let hash = |actor: &ActorId| {
        black_box(xxh3_64(black_box(actor.as_str().as_bytes())));
    };
    let [ours, bare] = medians(ROUNDS, [&mut || each(&look), &mut || each(&hash)])?;
    report.add(
        Row::new("routing: actor id to owner", ours, "ns")
            .against(bare)
            .goal(Goal::AtMost(4.0))
            .note("CPU, against that of one xxh3 of the id"),
    );
    Ok(())
}
