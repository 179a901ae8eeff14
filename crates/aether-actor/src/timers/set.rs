//! [`Setting`]: sets and cancels timers as the actors' logs say.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{ReadError, RecordedEvent, TimerError, Timers};
use aether_group::{Batch, HandleError, Handler};
use aether_telemetry::metrics::TimerMetrics;
use async_trait::async_trait;
use tokio::time::Instant;

use super::change::Change;
use crate::runtime::shared::{Shared, Store};

/// A change that took longer may have come too late: others may have taken over meanwhile, and have gone on. At most half
/// of what makes them suspect anybody.
const PROMPT: Duration = Duration::from_secs(1);

/// Sets and cancels timers as the actors' logs say.
pub(super) struct Setting {
    timers: Arc<dyn Timers>,
    store: Arc<dyn Store>,
    namespace: Option<String>,
}

impl Setting {
    pub(super) fn new(timers: Arc<dyn Timers>, shared: &Shared) -> Self {
        Self { timers, store: Arc::clone(&shared.store), namespace: shared.namespace.clone() }
    }

    async fn follow(&self, event: &RecordedEvent) -> Result<(), HandleError> {
        let Some(mut change) = Change::of(event).map_err(HandleError::poison)? else { return Ok(()) };
        let mut version = event.version();
        loop {
            let begun = Instant::now();
            change.make(&*self.timers).await.map_err(not_set)?;
            if begun.elapsed() < PROMPT {
                self.count(&change);
                return Ok(());
            }
            // If it has undone what others did since, what stands last is made once more.
            let last = Change::last_after(version, change.timer(), &self.store).await.map_err(not_read)?;
            match last {
                Some(last) => (version, change) = last,
                None => return Ok(()),
            }
        }
    }

    fn count(&self, change: &Change) {
        let metrics = TimerMetrics::new(self.namespace.as_deref(), change.timer().actor().category());
        match change {
            Change::Set(_) => metrics.set(),
            Change::Cancel(_) => metrics.cancelled(),
        }
    }
}

#[async_trait]
impl Handler for Setting {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        for (index, event) in batch.events.iter().enumerate() {
            self.follow(event).await.map_err(|error| error.at(index))?;
        }
        Ok(())
    }
}

fn not_set(error: TimerError) -> HandleError {
    match error {
        TimerError::TooLarge { .. } => HandleError::poison(error),
        // No fault of this timer's: all others would fail as well.
        other => HandleError::unavailable(other),
    }
}

fn not_read(error: ReadError) -> HandleError {
    if error.is_retryable() { HandleError::unavailable(error) } else { HandleError::retry(error) }
}

#[cfg(test)]
mod tests {
    use aether_core::{
        ActorId, DueTimers, Event, EventStore, EventStoreExt, ReadFrom, Timer, TimerId, Version,
    };
    use aether_store_memory::MemoryEventStore;
    use futures_util::TryStreamExt;
    use parking_lot::Mutex;

    use super::*;
    use crate::runtime::system_event::{TIMER_CANCELLED, TIMER_SET};

    /// Timers that freeze when the first of them is set.
    #[derive(Debug)]
    struct Freezing {
        store: MemoryEventStore,
        changes: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Timers for Freezing {
        async fn set(&self, timer: &Timer) -> Result<(), TimerError> {
            if self.changes.lock().is_empty() {
                tokio::time::sleep(PROMPT).await;
                save(&self.store, 2, TIMER_CANCELLED).await;
            }
            self.changes.lock().push(format!("set {}", timer.id.name()));
            Ok(())
        }

        async fn cancel(&self, timer: &TimerId) -> Result<(), TimerError> {
            self.changes.lock().push(format!("cancel {}", timer.name()));
            Ok(())
        }

        async fn due(&self) -> Result<DueTimers, TimerError> {
            Ok(Box::pin(futures_util::stream::pending()))
        }
    }

    async fn save(store: &MemoryEventStore, version: u64, event_type: &'static str) {
        let data = serde_json::json!({"name": "x", "at": "2030-01-01T00:00:00Z", "command": "C", "data": 1});
        let actor = ActorId::new("order-1").unwrap();
        store
            .save_event(&Event::new(&actor, Version::new(version), event_type, &data).unwrap())
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_made_too_late_is_made_as_it_stands() {
        let store = MemoryEventStore::new();
        save(&store, 1, TIMER_SET).await;
        let events: Vec<RecordedEvent> = store.get_all(ReadFrom::Start, 1).try_collect().await.unwrap();
        let timers = Arc::new(Freezing { store: store.clone(), changes: Mutex::default() });
        let setting =
            Setting { timers: Arc::clone(&timers) as _, store: Arc::new(store.clone()), namespace: None };
        setting.follow(&events[0]).await.unwrap();
        assert_eq!(*timers.changes.lock(), ["set x", "cancel x"]);
        setting.follow(&events[0]).await.unwrap();
        assert_eq!(*timers.changes.lock(), ["set x", "cancel x", "set x"]);
    }
}
