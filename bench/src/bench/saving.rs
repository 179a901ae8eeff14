//! Saving on JetStream against the bare client: throughput, latency, and the client's CPU time.

use std::cell::RefCell;
use std::time::Instant;

use aether_core::EventStoreExt;

use crate::lanes::{Lanes, Took};
use crate::nats::{Nats, runtime};
use crate::raw::{self, Message};
use crate::report::{Goal, Report, Row};
use crate::rounds::{median, medians};
use crate::sample;

const ROUNDS: usize = 7;
const WRITERS: usize = 256;
/// Of each writer: about 10,000 in all.
const ACTORS: usize = 39;

/// The product and the bare client with 256 saves in flight, and what they cost the client.
pub(crate) fn concurrent(report: &mut Report) -> anyhow::Result<()> {
    let nats = Nats::start(runtime()?)?;
    let mut singles = Lanes::new("order", WRITERS, ACTORS)?;
    let mut tens = Lanes::new("basket", WRITERS, ACTORS)?;
    let mut bare = Lanes::new("order", WRITERS, ACTORS)?;
    let (our_cpu, bare_cpu) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let rate = |took: Took, cpu: &RefCell<Vec<f64>>| {
        cpu.borrow_mut().push(took.cpu_each());
        took.events_per_second()
    };
    let [ours, packed, raw] = medians(
        ROUNDS,
        [
            &mut || Ok(rate(singles.save(&nats, 2, 1)?, &our_cpu)),
            &mut || Ok(tens.save(&nats, 1, 10)?.events_per_second()),
            &mut || Ok(rate(bare.publish(&nats, 2)?, &bare_cpu)),
        ],
    )?;
    report.add(
        Row::new("jetstream: a save, 256 in flight, 10k actors", ours, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(0.90))
            .note("against raw async-nats: 256 tasks, the same bytes and expectation header, each awaiting its ack"),
    );
    report.add(
        Row::new("jetstream: commits of 10 events, 256 in flight", packed, "events/s")
            .against(raw)
            .goal(Goal::AtLeast(5.0))
            .note("against raw async-nats publishing single events, 256 in flight"),
    );
    report.add(
        Row::new("jetstream: client CPU per save, 256 in flight", median(our_cpu.take()), "µs")
            .against(median(bare_cpu.take()))
            .note("of the whole process; a save also encodes the event, which raw has ready, and keeps the actor's links"),
    );
    Ok(())
}

/// One save after the other.
pub(crate) fn sequential(report: &mut Report) -> anyhow::Result<()> {
    const SAVES: u64 = 10;
    let nats = Nats::start(runtime()?)?;
    let actors = sample::actors("order", 100)?;
    let mut version = 0;
    let mut ours = || {
        let events = sample::events(&actors, version + 1..=version + SAVES)?;
        version += SAVES;
        nats.runtime.block_on(async {
            let mut latencies = Vec::with_capacity(events.len());
            for event in &events {
                let begun = Instant::now();
                nats.store.save_event(event).await?;
                latencies.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            Ok(median(latencies))
        })
    };
    let mut last = vec![0; actors.len()];
    let mut raw_version = 0;
    let mut bare = || {
        let mut messages = Vec::new();
        for n in raw_version + 1..=raw_version + SAVES {
            for (number, event) in sample::events(&actors, [n])?.iter().enumerate() {
                messages.push(Message::new(&nats.raw_stream, number, event, n)?);
            }
        }
        raw_version += SAVES;
        let mut latencies = Vec::with_capacity(messages.len());
        let mut begun = Instant::now();
        let acked = || {
            latencies.push(begun.elapsed().as_secs_f64() * 1e6);
            begun = Instant::now();
        };
        nats.runtime.block_on(raw::publish(&nats.raw, &messages, &mut last, acked))?;
        Ok(median(latencies))
    };
    let [ours, bare] = medians(ROUNDS, [&mut ours, &mut bare])?;
    report.add(
        Row::new("jetstream: a save, one after the other, p50", ours, "µs")
            .against(bare)
            .goal(Goal::AtMost(1.10))
            .note("against raw async-nats awaiting each ack"),
    );
    Ok(())
}
