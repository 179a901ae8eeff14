//! Metrics for Prometheus: the recorder, and an endpoint that is scraped.

mod http;
mod pages;
mod server;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metrics::{self, Kind, METRICS};

pub use pages::Page;
pub use server::{MetricsServer, serve_metrics};

/// The upper bounds of the buckets of durations, in seconds: from what a save in memory takes to what an outage does.
const DURATIONS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Those of numbers of things.
const NUMBERS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The reason why metrics are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The program has installed another recorder, which gets all metrics.
    #[error("another recorder of metrics is installed already")]
    OtherRecorder,
    /// The address cannot be listened on.
    #[error("the address {address} cannot be listened on")]
    Address {
        /// The address.
        address: std::net::SocketAddr,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The recorder could not be made.
    #[error("the recorder could not be made: {reason}")]
    Recorder {
        /// The reason.
        reason: String,
    },
}

impl ServeError {
    /// Returns whether another recorder is installed.
    #[must_use]
    pub fn is_other_recorder(&self) -> bool {
        matches!(self, Self::OtherRecorder)
    }

    /// Returns whether another address may work.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self, Self::Address { .. })
    }
}

/// The recorder of the process, for those who serve its metrics themselves. Cloning is cheap.
#[derive(Clone)]
pub struct Prometheus(PrometheusHandle);

impl Prometheus {
    /// Installs the recorder, or finds the one that this function has installed before. Whatever any library of the
    /// process counts by the `metrics` facade goes there from now on.
    ///
    /// # Errors
    /// [`ServeError::OtherRecorder`] if the process has another.
    pub fn install() -> Result<Self, ServeError> {
        static INSTALLED: Mutex<Option<Prometheus>> = Mutex::new(None);
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = &*installed {
            return Ok(there.clone());
        }
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Histogram) {
            let matcher = Matcher::Full(metric.name.to_owned());
            let buckets = if metric.unit == "seconds" { DURATIONS } else { NUMBERS };
            builder = builder
                .set_buckets_for_metric(matcher, buckets)
                .map_err(|e| ServeError::Recorder { reason: e.to_string() })?;
        }
        let recorder = builder.build_recorder();
        let prometheus = Self(recorder.handle());
        ::metrics::set_global_recorder(recorder).map_err(|_| ServeError::OtherRecorder)?;
        metrics::refresh();
        Ok(installed.insert(prometheus).clone())
    }

    /// All metrics, in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Sorts durations that were measured into their buckets. They take memory until this or
    /// [`render`](Self::render) is called, so one of them is to be called every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").finish_non_exhaustive()
    }
}
