//! Three servers: formed, bereft of a node, parted and healed.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use aether_nats_server::{NatsCluster, NatsServer, ServerError};

use crate::client::Client;
use crate::eventually;

/// A client of any node that answers, and saves there until one save is acknowledged.
fn save_somewhere(cluster: &NatsCluster, nodes: &[usize], stream: &str) -> u64 {
    let mut seq = None;
    eventually("a save is acknowledged", || {
        seq = nodes.iter().find_map(|i| {
            let mut client = Client::connect(cluster.node(*i).addr()).ok()?;
            client.set_timeout(Duration::from_secs(1));
            client.save(stream, "x").ok()
        });
        seq.is_some()
    });
    seq.expect("saved")
}

#[test]
fn a_cluster_survives_each_node_in_turn() {
    let cluster = NatsCluster::start().expect("a cluster");
    let urls = cluster.urls();
    assert_eq!(urls.len(), 3);
    let mut client = Client::connect(cluster.node(0).addr()).expect("a connection");
    client.create_stream("S", 3);
    client.save("S", "x").expect("saved");
    assert!(matches!(cluster.isolate(0), Err(ServerError::NotIsolatable)));

    for i in 0..3 {
        cluster.kill(i).expect("killed");
        cluster.wait_ready().expect("two of three are enough");
        save_somewhere(&cluster, &[(i + 1) % 3, (i + 2) % 3], "S");
        cluster.restart(i).expect("restarted");
        cluster.wait_ready().expect("three again");
    }
    assert_eq!(cluster.urls(), urls);

    let leader = cluster.stream_leader("S").expect("a leader");
    cluster.pause(leader).expect("paused");
    save_somewhere(&cluster, &[(leader + 1) % 3, (leader + 2) % 3], "S");
    cluster.resume(leader).expect("resumed");
    cluster.wait_ready().expect("three again");
    cluster.stop().expect("stopped");
    assert!(cluster.nodes().iter().all(|node| node.pid().is_none()));
}

#[test]
fn a_leader_that_is_cut_off_is_reached_by_clients_but_not_by_its_peers() {
    let cluster = NatsServer::builder().isolatable(true).start_cluster().expect("a cluster");
    let mut client = Client::connect(cluster.node(0).addr()).expect("a connection");
    client.create_stream("S", 3);
    let routes = |i: usize| cluster.node(i).monitor("/routez").expect("an answer")["num_routes"].as_u64();

    for isolate in [NatsCluster::isolate, NatsCluster::isolate_silently] {
        let leader = cluster.stream_leader("S").expect("a leader");
        let peers = [(leader + 1) % 3, (leader + 2) % 3];
        let mut there = Client::connect(cluster.node(leader).addr()).expect("a connection");
        there.save("S", "before").expect("saved");

        isolate(&cluster, leader).expect("cut off");
        there.ping().expect("the node itself answers");
        there.set_timeout(Duration::from_secs(1));
        assert!(there.save("S", "lost").is_err(), "acknowledged without a quorum");
        // The peers elect another leader, which proves that no way round the proxies was found.
        eventually("another leader", || cluster.stream_leader("S").is_some_and(|new| new != leader));
        let seq = save_somewhere(&cluster, &peers, "S");
        let mut there = Client::connect(cluster.node(leader).addr()).expect("clients still reach it");
        there.set_timeout(Duration::from_secs(1));
        assert!(there.save("S", "lost").is_err(), "acknowledged by a node that is cut off");

        cluster.heal(leader).expect("healed");
        cluster.wait_ready().expect("three again");
        assert!(routes(leader) > Some(0));
        eventually("the node has what it missed", || {
            let mut there = Client::connect(cluster.node(leader).addr()).expect("a connection");
            there.count("S").is_ok_and(|count| count >= seq)
        });
    }

    cluster.isolate(1).expect("cut off");
    eventually("no route is left", || routes(1) == Some(0));
}

#[test]
fn a_node_is_started_by_a_command_and_listens_where_it_is_told_to() {
    let ip = Ipv4Addr::new(127, 0, 0, 2);
    let builder = NatsServer::builder().node_at(1, ip, ["env", "AETHER_PLACE=elsewhere"]);
    let cluster = builder.start_cluster().expect("a cluster");
    let elsewhere: Vec<bool> = cluster
        .nodes()
        .iter()
        .map(|node| {
            let environment = fs::read(format!("/proc/{}/environ", node.pid().expect("it runs")));
            let environment = String::from_utf8_lossy(&environment.expect("readable")).into_owned();
            let is_there = environment.contains("AETHER_PLACE=elsewhere");
            assert_eq!(node.addr().ip() == ip, is_there, "{}", node.addr());
            is_there
        })
        .collect();
    assert_eq!(elsewhere, [false, true, false]);

    let mut client = Client::connect(cluster.node(1).addr()).expect("a connection");
    client.create_stream("S", 3);
    cluster.kill(1).expect("killed");
    cluster.restart(1).expect("restarted");
    cluster.wait_ready().expect("three again");
    save_somewhere(&cluster, &[1], "S");
}
