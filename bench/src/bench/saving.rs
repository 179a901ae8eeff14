//! Saving on JetStream against the bare client: throughput, latency, and the client's CPU time.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aether_core::{EventStore, EventStoreExt};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::lanes::Lanes;
use crate::nats::Nats;
use crate::raw::{self, Message};
use crate::report::{Goal, Report, Row};
use crate::rounds::{median, medians, time};
use crate::{runtime, sample};

const ROUNDS: usize = 7;
const WRITERS: usize = 256;
/// Of each writer: about 10,000 in all.
const ACTORS: usize = 39;

/// The product and the bare client, with 256 in flight, and what they cost the client.
pub(crate) fn concurrent(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let store: Arc<dyn EventStore> = Arc::new(nats.store.clone());
    let mut singles = Lanes::new("order", WRITERS, ACTORS)?;
    let mut tens = Lanes::new("basket", WRITERS, ACTORS)?;
    let mut bare = Lanes::new("order", WRITERS, ACTORS)?;
    let (our_cpu, bare_cpu) = (RefCell::default(), RefCell::default());
    let [ours, packed, raw] = medians(
        ROUNDS,
        [
            &mut || with_cpu(&our_cpu, || Ok(singles.save(&nats, &store, 2, 1)?.events_per_second()), ACTORS),
            &mut || Ok(tens.save(&nats, &store, 1, 10)?.events_per_second()),
            &mut || with_cpu(&bare_cpu, || Ok(bare.publish(&nats, 2)?.events_per_second()), ACTORS),
        ],
    )?;
    report.add(
        Row::new("jetstream: save_event, 256 in flight, 10k actors", ours, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(0.90))
            .note("against raw async-nats: 256 tasks, the same bytes and expectation header, each awaiting its ack"),
    );
    report.add(
        Row::new("jetstream: commits of 10, 256 in flight", packed, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(5.0))
            .note("against raw async-nats publishing single events, 256 in flight"),
    );
    report.add(
        Row::new("jetstream: client CPU per save, 256 in flight", median(our_cpu.take()), "µs")
            .against(median(bare_cpu.take()))
            .note("all threads of the process: beyond raw, a save encodes the event, finds the actor's slot and keeps its links"),
    );
    Ok(())
}
