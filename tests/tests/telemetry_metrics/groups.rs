//! The counts of groups and projections.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::MemoryCoordination;
use aether_core::{ActorId, Event, EventStoreExt, Position, RecordedEvent, Version};
use aether_group::{ConsumerGroup, HandleError, Retry, each};
use aether_nats_server::{shared_r1, unique_name};
use aether_projection::{ApplyError, MemoryModel, Projection};
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore};
use tokio::time::timeout;

use crate::scrape::{Scrape, until};

const WITHIN: Duration = Duration::from_secs(30);

/// Three events of one actor, a poisoned one of another, and one of a third that fails once.
async fn store_of(namespace: &str) -> (Arc<JetStreamEventStore>, Position) {
    let client = async_nats::connect(shared_r1().unwrap()).await.unwrap();
    let config = JetStreamConfig::new("events").namespace(namespace);
    let store = Arc::new(JetStreamEventStore::create(client, config).await.unwrap());
    let mut last = None;
    for (actor, version, event_type) in [
        ("a-1", 1, "Fine"),
        ("a-2", 1, "Poison"),
        ("a-1", 2, "Fine"),
        ("a-3", 1, "Flaky"),
        ("a-1", 3, "Fine"),
    ] {
        let actor = ActorId::new(actor).unwrap();
        let event = Event::new(&actor, Version::new(version), event_type, &()).unwrap();
        last = Some(store.save_event(&event).await.unwrap().position);
    }
    (store, last.unwrap())
}

#[tokio::test]
async fn a_group_counts_what_was_done() {
    let namespace = unique_name("groups");
    Scrape::begin().await;
    let (store, last) = store_of(&namespace).await;
    let handler = each(|event: RecordedEvent, handling| async move {
        match event.event_type() {
            "Poison" => Err(HandleError::poison("poisoned")),
            "Flaky" if handling.attempt == 1 => Err(HandleError::retry("not yet")),
            _ => Ok(()),
        }
    });
    let group = ConsumerGroup::builder("mailer", store, Arc::new(MemoryCoordination::new()));
    let retry = Retry::default().delays(Duration::from_millis(1), Duration::from_millis(1));
    let member = group.namespace(&namespace).retry(retry).join(handler).await.unwrap();
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    let label = "group=\"mailer\"";
    let now = [
        ("aether_group_members", 1.0),
        ("aether_group_partitions", 64.0),
        ("aether_parked_actors", 1.0),
        ("aether_group_lag_seconds", 0.0),
    ];
    until(&namespace, label, &now).await;
    member.stop().await.unwrap();
    let expected = [
        ("aether_group_events_total", 4),
        ("aether_group_retries_total", 1),
        // Four that succeeded, one that was tried again, one that is poisoned.
        ("aether_group_handle_duration_seconds_count", 6),
        ("aether_group_refused_checkpoints_total", 0),
    ];
    Scrape::of(&namespace).await.assert(label, &expected);
    let gone =
        [("aether_group_members", 0.0), ("aether_group_partitions", 0.0), ("aether_parked_actors", 0.0)];
    until(&namespace, label, &gone).await;
}

struct Fine;

impl Projection for Fine {
    type View = u64;

    fn name(&self) -> &str {
        "fine"
    }

    fn apply(&self, _: &str, fine: &mut u64, event: &RecordedEvent) -> Result<(), ApplyError> {
        if event.event_type() == "Poison" {
            return Err(ApplyError::new("poisoned"));
        }
        *fine += 1;
        Ok(())
    }
}

#[tokio::test]
async fn a_projection_counts_what_was_done() {
    let namespace = unique_name("projections");
    Scrape::begin().await;
    let (store, last) = store_of(&namespace).await;
    let model = MemoryModel::new(Fine);
    let projector = model.projector(store).namespace(&namespace).run().await.unwrap();
    projector.wait_for(last, WITHIN).await.unwrap();
    assert_eq!(*model.view(""), 4);
    #[expect(clippy::cast_precision_loss, reason = "it is small")]
    let position = last.sequence() as f64;
    let label = "projection=\"fine\"";
    let now = [
        ("aether_projection_position", position),
        ("aether_projection_lag_seconds", 0.0),
        ("aether_projection_events_total", 4.0),
    ];
    until(&namespace, label, &now).await;
    // It is a group of the same name.
    until(&namespace, "group=\"fine\"", &[("aether_parked_actors", 1.0)]).await;
    projector.stop().await.unwrap();
    let scrape = Scrape::of(&namespace).await;
    scrape.assert(label, &[("aether_projection_events_total", 4), ("aether_projection_failures_total", 1)]);
    assert!(scrape.get(&format!("aether_projection_batch_duration_seconds_count{{{label}}}")) >= 2.0);
}
