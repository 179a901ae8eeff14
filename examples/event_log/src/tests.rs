//! The whole way of the sample, in memory.

use std::sync::Arc;

use aether::memory::MemoryEventStore;
use aether::{Event, EventStoreExt, ReadFrom, Subscribe};
use futures_util::TryStreamExt;

use crate::ingest::{Ingested, ingest};
use crate::log::Log;
use crate::replay::replay;
use crate::report::report;
use crate::source::Source;
use crate::throughput::throughput;

fn sample() -> Log {
    Log::read(&Source::Sample).unwrap()
}

async fn report_on(store: &Arc<dyn Subscribe>) -> String {
    let log = sample();
    let throughput = throughput(store.clone()).await.unwrap();
    report(&log, &replay(&**store, &log, 4).await.unwrap(), &throughput).unwrap()
}

#[tokio::test]
async fn a_second_run_adds_nothing_and_reports_the_same() {
    let store: Arc<dyn Subscribe> = Arc::new(MemoryEventStore::default());
    let first = ingest(&store, sample(), 1).await.unwrap();
    assert_eq!(first, Ingested { saved: 61, present: 0 });
    let stored: Vec<_> = store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.unwrap();
    assert!(stored.iter().map(|event| &event.event).eq(&sample().into_time_order()));
    let steps = throughput(store.clone()).await.unwrap();
    assert_eq!(steps.values().map(|step| step.events).sum::<u64>(), 61);
    let report = report_on(&store).await;
    assert!(report.contains("61 events of 12 cases are stored."), "{report}");
    assert!(report.contains("Store and log agree: 61 of 61 events"), "{report}");
    let second = ingest(&store, sample(), 8).await.unwrap();
    assert_eq!(second, Ingested { saved: 0, present: 61 });
    assert_eq!(report_on(&store).await, report);
}

#[tokio::test]
async fn an_interrupted_run_goes_on_where_each_case_stands() {
    let store: Arc<dyn Subscribe> = Arc::new(MemoryEventStore::default());
    for event in &sample().into_time_order()[..30] {
        store.save_event(event).await.unwrap();
    }
    let report = report_on(&store).await;
    assert!(report.contains("STORE AND LOG DIFFER: 30 of 61"), "{report}");
    assert!(report.contains("not in the store"), "{report}");
    assert_eq!(ingest(&store, sample(), 3).await.unwrap(), Ingested { saved: 31, present: 30 });
    assert!(report_on(&store).await.contains("61 of 61"));
}

#[tokio::test]
async fn an_event_that_is_not_the_logs_is_found() {
    let store: Arc<dyn Subscribe> = Arc::new(MemoryEventStore::default());
    let first = sample().into_time_order()[0].clone();
    let other = Event::builder(first.actor(), first.version(), "Order placed")
        .id(first.id())
        .timestamp(first.timestamp())
        .data(&"other")
        .build()
        .unwrap();
    store.save_event(&other).await.unwrap();
    ingest(&store, sample(), 1).await.unwrap();
    let report = report_on(&store).await;
    assert!(report.contains("60 of 61"), "{report}");
    assert!(report.contains("case-2026001 version 1: other data"), "{report}");
}
