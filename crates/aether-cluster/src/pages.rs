//! The status pages of a node, beside the metrics of its process. Behind the feature `prometheus`.

use std::sync::{Arc, Weak};

use aether_telemetry::{MetricsServer, Page};

use crate::ClusterManager;
use crate::manager::Inner;

impl ClusterManager {
    /// Serves the node's status beside the metrics: `/cluster` has all of it as JSON, `/health/live` is 200 for as long as the
    /// node works, `/health/ready` (and `/health`) while it can be counted on; else they are 503. The endpoint does not keep
    /// the node alive.
    pub fn serve_on(&self, metrics: &MetricsServer) {
        let node = Arc::downgrade(&self.0);
        metrics.serve_page("/cluster", move || match running(&node) {
            Some(node) => Page::json(serde_json::to_string(&node.status()).unwrap_or_default()),
            None => Page::json("null").status(503),
        });
        let node = Arc::downgrade(&self.0);
        metrics.serve_page("/health/live", move || health(running(&node).is_some()));
        for path in ["/health", "/health/ready"] {
            let node = Arc::downgrade(&self.0);
            metrics.serve_page(path, move || {
                health(running(&node).is_some_and(|node| node.status().is_ready()))
            });
        }
    }
}

fn running(node: &Weak<Inner>) -> Option<ClusterManager> {
    node.upgrade().map(ClusterManager).filter(ClusterManager::is_running)
}

fn health(well: bool) -> Page {
    match well {
        true => Page::text("ok\n"),
        false => Page::text("not ready\n").status(503),
    }
}
