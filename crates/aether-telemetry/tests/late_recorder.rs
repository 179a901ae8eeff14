//! What is counted by handles that were made before the recorder was installed. A process has one recorder, so this file
//! has one test.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use aether_telemetry::metrics::{
    BusMetrics, GroupMetrics, GroupReport, StoreMetrics, SubscriberMetrics, Timer,
};
use aether_telemetry::{Prometheus, serve_metrics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The value of the series of this name and these labels, in their order.
fn value(scraped: &str, series: &str) -> Option<f64> {
    let line = scraped.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

async fn scrape(address: std::net::SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn handles_that_were_made_before_the_recorder_count() {
    let store = StoreMetrics::new(None, "memory");
    let published = BusMetrics::new("tenant", "local");
    let (one, two) = (SubscriberMetrics::new("tenant", "local"), SubscriberMetrics::new("tenant", "local"));
    let (a, b) = (GroupMetrics::new(Some("tenant"), "g"), GroupMetrics::new(Some("tenant"), "g"));
    store.retried();
    let report =
        |partitions, handled| GroupReport { members: 2, partitions, handled, ..GroupReport::default() };
    a.report(report(40, 10));
    b.report(report(24, 10));

    let server = serve_metrics(([127, 0, 0, 1], 0)).await.unwrap();
    assert_ne!(server.address().port(), 0);

    // Gauges are as they are, and counters count from now on.
    let scraped = scrape(server.address()).await;
    let subscribers = "aether_bus_subscribers{namespace=\"tenant\",bus=\"local\"}";
    assert_eq!(value(&scraped, subscribers), Some(2.0), "{scraped}");
    let of_group = "{namespace=\"tenant\",group=\"g\"}";
    assert_eq!(value(&scraped, &format!("aether_group_members{of_group}")), Some(2.0), "{scraped}");
    assert_eq!(value(&scraped, &format!("aether_group_partitions{of_group}")), Some(64.0), "{scraped}");

    store.retried();
    store.loaded(Timer::start());
    published.published(3);
    one.received(2);
    two.received(1);
    two.dropped(1);
    drop(one);
    b.report(report(64, 15));
    drop(a);
    let scraped = scrape(server.address()).await;
    let of_store = "{namespace=\"(none)\",store=\"memory\"}";
    let of_bus = "{namespace=\"tenant\",bus=\"local\"}";
    for (series, expected) in [
        (format!("aether_save_retries_total{of_store}"), 1.0),
        (format!("aether_saves_total{of_store}"), 0.0),
        (format!("aether_load_duration_seconds_count{of_store}"), 1.0),
        (format!("aether_bus_published_total{of_bus}"), 3.0),
        (format!("aether_bus_received_total{of_bus}"), 3.0),
        (format!("aether_bus_dropped_total{of_bus}"), 1.0),
        (format!("aether_bus_subscribers{of_bus}"), 1.0),
        (format!("aether_group_partitions{of_group}"), 64.0),
        (format!("aether_group_events_total{of_group}"), 5.0),
    ] {
        assert_eq!(value(&scraped, &series), Some(expected), "{series}\n{scraped}");
    }
    assert!(scraped.contains("# HELP aether_save_retries_total Attempts of saves after their first.\n"));
    assert!(scraped.contains("le=\"0.00001\""), "durations have buckets");

    // A second endpoint serves the same, and one that is dropped serves nothing.
    let second = serve_metrics(([127, 0, 0, 1], 0)).await.unwrap();
    let address = server.address();
    let taken = serve_metrics(address).await.unwrap_err();
    assert!(taken.is_address(), "{taken}");
    drop(server);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(second.is_running() && scrape(second.address()).await.contains("aether_saves_total"));
    assert!(Prometheus::install().unwrap().render().contains("aether_saves_total"));
}
