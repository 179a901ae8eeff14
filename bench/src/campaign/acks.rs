//! Acknowledgements that never arrive, or too late: the commit stands, and the store must find that out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use aether_core::{Commit, Event, EventStore, EventStoreExt, Expected, Version};
use aether_nats_server::{Frame, NatsServer, Proxy, Verdict, unique_name};
use aether_store_jetstream::JetStreamEventStore;
use anyhow::Context;
use tokio::sync::mpsc;

use crate::Plan;
use crate::ledger::Ledger;
use crate::report::Report;
use crate::writers::{config, connect};

const SCENARIO: &str = "lost acks";
/// How long the store waits for an acknowledgement here.
const ATTEMPT: Duration = Duration::from_millis(150);
/// What the proxy does with the next acknowledgement.
const PASS: u8 = 0;
const SWALLOW: u8 = 1;
const DELAY: u8 = 2;

/// Saves behind a proxy that swallows and delays acknowledgements.
pub(crate) async fn run(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let server = NatsServer::builder().start()?;
    let proxy = Proxy::start(server.addr())?;
    let namespace = unique_name("campaign");
    let mut timeouts = aether_store_jetstream::Timeouts::default();
    timeouts.attempt = ATTEMPT;
    let config = config(&namespace, 1).timeouts(timeouts);
    let behind = JetStreamEventStore::create(connect(&[proxy.url()]).await?, config.clone()).await?;
    let direct = JetStreamEventStore::open(connect(&[server.url()]).await?, config).await?;

    let next = Arc::new(AtomicU8::new(PASS));
    let (noticed, mut swallowed) = mpsc::channel(16);
    proxy.on_server_message({
        let next = Arc::clone(&next);
        move |frame: &Frame<'_>| {
            if frame.publish_ack().is_none() {
                return Verdict::Pass;
            }
            match next.swap(PASS, Ordering::SeqCst) {
                SWALLOW => {
                    // The one save under way is the one receiver; a full channel would mean two.
                    let _ = noticed.try_send(());
                    Verdict::Drop
                }
                DELAY => Verdict::Delay(ATTEMPT * 2),
                _ => Verdict::Pass,
            }
        }
    });

    let ledger = Ledger::default();
    let (plain, on_top, late) = (plan.share(160), plan.share(50), plan.share(24));
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut untrue = 0;
    for round in 0..plain + on_top + late {
        let actor = aether_core::ActorId::new(format!("account-{}", round % 7))?;
        let head = direct.get_head(&actor).await?;
        let events = [Event::new(&actor, head.version().next(), "Booked", &round)?];
        let expected = match random.u8(..3) {
            0 => Expected::Ascending,
            1 => Expected::Exact(head.version()),
            _ => Expected::At(head),
        };
        next.store(if round < plain + on_top { SWALLOW } else { DELAY }, Ordering::SeqCst);
        let commit = Commit::events(&events).expecting(expected);
        let foreign = async {
            if (plain..plain + on_top).contains(&round) {
                swallowed.recv().await.context("the proxy is gone")?;
                let version = Version::new(head.version().get() + 2);
                let foreign = [Event::new(&actor, version, "Elsewhere", &round)?];
                let saved = direct.save_events(&foreign).await;
                ledger.note(&foreign, &saved);
            } else if round < plain {
                swallowed.recv().await.context("the proxy is gone")?;
            }
            anyhow::Ok(())
        };
        let (saved, foreign) = tokio::join!(behind.save(&commit), foreign);
        foreign?;
        untrue += u64::from(!matches!(&saved, Ok(saved) if saved.version == events[0].version()));
        ledger.note(&events, &saved);
        next.store(PASS, Ordering::SeqCst);
    }
    let stats = behind.stats();
    report.at_least(SCENARIO, "acknowledgements swallowed", plain + on_top, plan.share(200));
    report.at_least(SCENARIO, "of those, with a foreign commit on top", on_top, plan.share(50));
    report.at_least(SCENARIO, "acknowledgements delayed past the timeout", late, plan.share(20));
    report.at_least(SCENARIO, "saves left without an answer", stats.unknown, plain + on_top + late);
    report.at_least(SCENARIO, "of those, resolved", stats.resolved, (stats.unknown * 95).div_ceil(100));
    report.never(SCENARIO, "saves that stand and were not reported so", untrue);
    ledger.audit(&direct, SCENARIO, report).await
}
