//! [`Outage`]: how long a bucket took no writes, as somebody else finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aether_coordination::NatsCoordination;
use async_nats::Request;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// Writes all the time, and notes the longest time without an acknowledgement.
pub(crate) struct Outage {
    millis: Arc<AtomicU64>,
    _writer: AbortOnDropHandle<()>,
}

impl Outage {
    pub(crate) fn watch(coordination: Arc<NatsCoordination>) -> Self {
        let millis = Arc::new(AtomicU64::new(0));
        let writer = tokio::spawn(write(coordination, Arc::clone(&millis)));
        Self { millis, _writer: AbortOnDropHandle::new(writer) }
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

async fn write(coordination: Arc<NatsCoordination>, longest: Arc<AtomicU64>) {
    let subject = format!("$KV.{}.probe", coordination.bucket_name());
    let mut acknowledged = Instant::now();
    loop {
        let request = Request::new().payload("x".into()).timeout(Some(Duration::from_millis(500)));
        let answer = coordination.client().send_request(subject.clone(), request).await;
        if answer.is_ok_and(|answer| answer.payload.windows(5).any(|part| part == b"\"seq\"")) {
            let waited = u64::try_from(acknowledged.elapsed().as_millis()).unwrap();
            longest.fetch_max(waited, Ordering::Relaxed);
            acknowledged = Instant::now();
        }
        sleep(Duration::from_millis(50)).await;
    }
}
