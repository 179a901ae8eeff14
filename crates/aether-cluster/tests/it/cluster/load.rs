//! [`Load`]: many who count tickets, and the proof that each was counted once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aether_actor::{ActorRef, CommandId};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::counter::{Count, Counter, Tickets, Twice};

/// Many who count tickets, each its own, one after the other.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    askers: JoinSet<(usize, Vec<u64>, Duration)>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Counted {
    /// The tickets that were acknowledged, by counter.
    pub(crate) tickets: BTreeMap<usize, Vec<u64>>,
    /// The longest time that anybody waited for an answer.
    pub(crate) longest: Duration,
}

const COUNTERS: usize = 40;

impl Load {
    /// Each of so many askers has a reference of its own to one of the counters.
    pub(crate) fn start(askers: usize, counter: impl Fn(usize) -> ActorRef<Counter>) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for asker in 0..askers {
            let place = asker % COUNTERS;
            let (counter, stop, answered) = (counter(place), Arc::clone(&stop), Arc::clone(&answered));
            tasks.spawn(async move {
                let (mut tickets, mut longest) = (Vec::new(), Duration::ZERO);
                let mut next = asker as u64 * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    next += 1;
                    let (began, id) = (Instant::now(), CommandId::new());
                    let counted = counter.ask(Count { ticket: next }).id(id).await;
                    let counted = counted.unwrap_or_else(|error| panic!("ticket {next}: {error:?}"));
                    assert!(counted > 0);
                    longest = longest.max(began.elapsed());
                    // It is answered the same when it is sent again, by an id; and refused without.
                    if next.is_multiple_of(16) {
                        let again = counter.ask(Count { ticket: next }).id(id).await;
                        assert_eq!(again.ok(), Some(counted), "ticket {next}");
                        let refused = counter.ask(Count { ticket: next }).await.unwrap_err();
                        assert_eq!(refused.refusal(), Some(&Twice(next)), "{refused:?}");
                        assert!(
                            counter.query(Tickets).await.unwrap().contains(&next),
                            "behind what was seen"
                        );
                    }
                    tickets.push(next);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                (place, tickets, longest)
            });
        }
        Self { stop, answered, askers: tasks }
    }

    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more were answered.
    pub(crate) async fn more(&self, tickets: u64) {
        let wanted = self.answered() + tickets;
        super::world::until("more answers", || self.answered() >= wanted || self.askers.is_empty()).await;
    }

    /// Ends it; fails if anything was answered wrongly, or not at all.
    pub(crate) async fn stop(mut self) -> Counted {
        self.stop.store(true, Ordering::Relaxed);
        let mut counted = Counted { tickets: BTreeMap::new(), longest: Duration::ZERO };
        while let Some(ended) = self.askers.join_next().await {
            let (place, tickets, longest) = ended.unwrap();
            counted.tickets.entry(place).or_default().extend(tickets);
            counted.longest = counted.longest.max(longest);
        }
        counted
    }
}

impl Counted {
    /// Every ticket that was acknowledged is there, and no other.
    pub(crate) async fn check(&self, counter: impl Fn(usize) -> ActorRef<Counter>) {
        for (place, tickets) in &self.tickets {
            let there = counter(*place).query(Tickets).linearizable().await.unwrap();
            let mut tickets = tickets.clone();
            tickets.sort_unstable();
            assert_eq!(there.into_iter().collect::<Vec<_>>(), tickets, "counter {place}");
        }
    }
}
