//! What a node serves beside its metrics.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::world::{World, settled};

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_served_beside_the_metrics() {
    let metrics = aether_telemetry::serve_metrics(([127, 0, 0, 1], 0)).await.unwrap();
    let address = metrics.address();
    assert_eq!(get(address, "/cluster").await.0, "HTTP/1.1 404 Not Found");
    let world = World::new();
    let node = world.bare("a").await.start().await.unwrap();
    node.serve_on(&metrics);
    settled(&[&node]).await;
    let (status, body) = get(address, "/cluster").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["leader"]["node"]["id"], "a");
    assert_eq!(body["shards"]["owned"], 64);
    assert_eq!(body["members"][0]["state"], "up");
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(get(address, path).await.0, "HTTP/1.1 200 OK", "{path}");
    }
    let (_, exported) = get(address, "/metrics").await;
    for line in ["aether_cluster_shards{", "aether_cluster_members{", "aether_cluster_leads{"] {
        assert!(exported.contains(line), "{line} in {exported}");
    }
    // The endpoint does not keep the node alive.
    drop(node);
    for path in ["/health", "/health/live", "/cluster"] {
        assert_eq!(get(address, path).await.0, "HTTP/1.1 503 Service Unavailable", "{path}");
    }
}
