//! [`Scrape`]: what the endpoint serves, as Prometheus would read it.

use std::collections::BTreeMap;
use std::time::Duration;

use aether_telemetry::serve_metrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// Held by whoever uses a memory store, which has no namespace that would keep its counts apart.
pub(crate) static MEMORY_STORE: Mutex<()> = Mutex::const_new(());

/// The series of one namespace, by name and further labels: `aether_saves_total{store="memory"}`.
#[derive(Debug)]
pub(crate) struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// From now on everything is counted.
    pub(crate) async fn begin() {
        Self::of("").await;
    }

    /// Serves the metrics, gets them over HTTP, and picks those of a namespace.
    pub(crate) async fn of(namespace: &str) -> Self {
        let server = serve_metrics(([127, 0, 0, 1], 0)).await.unwrap();
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");

        let own = format!("{{namespace=\"{namespace}\",");
        let series = body.lines().filter(|line| !line.starts_with('#') && line.contains(&own));
        let series = series.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.replace(&own, "{"), value.parse().unwrap())
        });
        Self(series.collect())
    }

    /// The value of a series; 0 if it is not there, as for Prometheus' `or vector(0)`.
    pub(crate) fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    /// What was counted since that one.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for (series, value) in &mut self.0 {
            *value -= before.get(series);
        }
        self
    }

    /// Compares all these series of a store, a bus or whatever the label says.
    #[track_caller]
    pub(crate) fn assert(&self, label: &str, expected: &[(&str, u64)]) {
        for (name, value) in expected {
            let series = format!("{name}{{{label}}}");
            assert_eq!(self.get(&series), *value as f64, "{series} in {self:#?}");
        }
    }
}

/// Waits until the metrics say so.
pub(crate) async fn until(namespace: &str, label: &str, expected: &[(&str, f64)]) {
    let said = async {
        loop {
            let scrape = Scrape::of(namespace).await;
            if expected.iter().all(|(name, value)| scrape.get(&format!("{name}{{{label}}}")) == *value) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(Duration::from_secs(30), said).await.is_err() {
        panic!("{expected:?} is not in {:#?}", Scrape::of(namespace).await);
    }
}
