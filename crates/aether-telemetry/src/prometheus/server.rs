//! [`serve_metrics`]: the endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep, timeout};

use super::pages::{Page, Pages};
use super::{Prometheus, ServeError, http};

/// How many scrapes are answered at a time; others wait to be accepted.
const MAX_CONNECTIONS: usize = 16;
/// How long a scrape may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often durations are sorted into their buckets where nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// The type of what Prometheus reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long it is waited when connections cannot be accepted, since there are too many open files, say.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the metrics of this process at `http://<address>/metrics`, for Prometheus to scrape, until what it returns is
/// dropped. Everything that is counted from now on is there, also by stores that were opened before.
///
/// With port 0 the system chooses a free one: see [`MetricsServer::address`]. Anybody who can reach the address can read
/// the metrics, which name namespaces, groups and projections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = aether_telemetry::serve_metrics(([0, 0, 0, 0], 9464)).await?;
/// println!("metrics at http://{}/metrics", metrics.address());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ServeError`] if the address is taken, or the process has another recorder of metrics.
///
/// # Panics
/// Outside of a tokio runtime with I/O and time.
pub async fn serve_metrics(address: impl Into<SocketAddr>) -> Result<MetricsServer, ServeError> {
    let address = address.into();
    let failed = |source| ServeError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let prometheus = Prometheus::install()?;
    let pages = Pages::default();
    let rendered = prometheus.clone();
    let metrics = move || Page { content_type: EXPOSITION, ..Page::text(rendered.render()) };
    pages.add("/metrics", Arc::new(metrics));
    Ok(MetricsServer { address, task: tokio::spawn(serve(listener, prometheus, pages.clone())), pages })
}

/// An endpoint that serves metrics, until this is dropped.
#[derive(Debug)]
#[must_use = "the endpoint ends when this is dropped"]
pub struct MetricsServer {
    address: SocketAddr,
    pages: Pages,
    task: JoinHandle<()>,
}

impl MetricsServer {
    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves a page beside the metrics, at this path, such as `/health`; one that is there already is replaced.
    pub fn serve_page(&self, path: &str, render: impl Fn() -> Page + Send + Sync + 'static) {
        self.pages.add(path, Arc::new(render));
    }

    /// Returns whether the server is running. It ends by itself only with its runtime, or by a fault.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Accepts and answers. The tasks of the connections end with this future.
async fn serve(listener: TcpListener, prometheus: Prometheus, pages: Pages) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut upkeep = interval(UPKEEP);
    loop {
        tokio::select! {
            accepted = accept(&listener, &room) => {
                let Some((connection, room)) = accepted else { continue };
                let pages = pages.clone();
                connections.spawn(async move {
                    let answered = timeout(DEADLINE, http::answer(connection, &pages)).await;
                    if let Ok(Err(error)) = answered {
                        tracing::debug!(%error, "a scrape was not answered");
                    }
                    drop(room);
                });
            }
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::warn!(%error, "a scrape has failed");
                }
            }
            _ = upkeep.tick() => prometheus.upkeep(),
        }
    }
}

/// A connection, and its place among those that are answered.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let room = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((connection, _)) => Some((connection, room)),
        Err(error) => {
            tracing::warn!(%error, "a scrape could not be accepted");
            sleep(PAUSE).await;
            None
        }
    }
}
