//! One server: found, configured, killed, stopped, paused, restarted.

use std::time::Duration;

use aether_nats_server::{LOWEST_SUPPORTED, NatsBinary, NatsServer, ServerError, shared_r1};

use crate::client::Client;

#[test]
fn a_killed_server_comes_back_with_its_data_on_its_port() {
    let server = NatsServer::builder().start().expect("a server");
    let mut client = Client::connect(server.addr()).expect("a connection");
    client.create_stream("S", 1);
    assert_eq!(client.save("S", "one").expect("saved"), 1);

    for (round, end) in [NatsServer::kill, NatsServer::stop].into_iter().enumerate() {
        let (url, pid) = (server.url(), server.pid().expect("running"));
        end(&server).expect("ended");
        assert_eq!(server.pid(), None);
        assert!(Client::connect(server.addr()).is_err(), "it still answers");
        end(&server).expect("ending twice is nothing");

        server.restart().expect("restarted");
        assert_eq!(server.url(), url);
        assert_ne!(server.pid(), Some(pid));
        let mut client = Client::connect(server.addr()).expect("a connection");
        assert_eq!(client.save("S", "more").expect("saved"), round as u64 + 2);
    }
    assert!(server.store_dir().is_dir());
}

#[test]
fn a_running_server_is_restarted_too() {
    let server = NatsServer::builder().start().expect("a server");
    let pid = server.pid();
    server.restart().expect("restarted");
    assert_ne!(server.pid(), pid);
    Client::connect(server.addr()).expect("a connection");
}

#[test]
fn a_paused_server_answers_nobody_until_it_is_resumed() {
    let server = NatsServer::builder().start().expect("a server");
    // Several times: a signal does not reach all threads of a process at once.
    for _ in 0..20 {
        let mut client = Client::connect(server.addr()).expect("a connection");
        client.ping().expect("an answer");
        client.set_timeout(Duration::from_millis(20));
        server.pause().expect("paused");
        assert!(!server.is_active());
        assert!(client.ping().is_err(), "it answers");
        server.resume().expect("resumed");
        assert!(server.is_active());
    }
    Client::connect(server.addr()).expect("a connection").ping().expect("an answer");

    server.pause().expect("paused");
    server.stop().expect("stopped, though it was paused");
    let log = std::fs::read_to_string(server.log_path()).expect("a log");
    assert!(log.contains("Server Exiting"), "it was killed:\n{log}");
    assert!(matches!(server.pause(), Err(ServerError::NotRunning { .. })));
    assert!(matches!(server.resume(), Err(ServerError::NotRunning { .. })));
}

#[test]
fn the_configuration_is_the_tests_own() {
    let server = NatsServer::builder()
        .max_payload(4_000)
        .sync_always(true)
        .config_extra("authorization { users: [ {user: a, password: b} ] }")
        .start()
        .expect("a server");
    assert!(Client::connect(server.addr()).is_err(), "it takes anybody");
    let mut client = Client::connect_with(server.addr(), r#""user":"a","pass":"b","#).expect("a connection");
    client.create_stream("S", 1);
    client.save("S", &"x".repeat(4_000)).expect("saved");
    assert!(client.save("S", &"x".repeat(4_001)).is_err(), "over the limit");
    let varz = server.monitor("/varz").expect("an answer");
    assert_eq!(varz["jetstream"]["config"]["sync_always"], true, "{varz}");
}

#[test]
fn a_server_without_jetstream_starts() {
    let server = NatsServer::builder().jetstream(false).start().expect("a server");
    let mut client = Client::connect(server.addr()).expect("a connection");
    client.set_timeout(Duration::from_millis(300));
    assert!(client.request("$JS.API.INFO", "").is_err());
}

#[test]
fn the_error_of_a_server_that_does_not_start_shows_its_log() {
    let error =
        NatsServer::builder().config_extra("no_such_field: 1").start().expect_err("a bad configuration");
    assert!(matches!(error, ServerError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("no_such_field"), "{error}");
}

#[test]
fn each_server_ends_and_leaves_nothing_when_it_is_dropped() {
    let server = NatsServer::builder().start().expect("a server");
    let (dir, addr) = (server.dir().to_owned(), server.addr());
    assert!(dir.is_dir());
    drop(server);
    assert!(!dir.exists());
    assert!(Client::connect(addr).is_err());

    let server = NatsServer::builder().start().expect("a server");
    let dir = server.dir().to_owned();
    server.kill().expect("killed");
    drop(server);
    assert!(!dir.exists(), "the directory of a server that was down");
}

#[test]
fn the_lowest_supported_version_can_be_had() {
    let server = NatsServer::builder().version(LOWEST_SUPPORTED).start().expect("a server");
    assert_eq!(server.version(), LOWEST_SUPPORTED);
    assert_eq!(server.monitor("/varz").expect("an answer")["version"], LOWEST_SUPPORTED);
    let binary = NatsBinary::find_version(LOWEST_SUPPORTED).expect("found again");
    assert_eq!(binary.version(), LOWEST_SUPPORTED);
}

#[test]
fn the_shared_server_is_one() {
    let url = shared_r1().expect("a server");
    assert_eq!(shared_r1().expect("the same"), url);
    let addr = url.strip_prefix("nats://").and_then(|addr| addr.parse().ok()).expect("an address");
    Client::connect(addr).expect("a connection");
}
