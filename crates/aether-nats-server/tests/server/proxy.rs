//! The proxy between a client and a server.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aether_nats_server::{NatsServer, Proxy, Verdict};

use crate::client::Client;
use crate::eventually;

fn server_and_proxy() -> (NatsServer, Proxy) {
    let server = NatsServer::builder().start().expect("a server");
    let proxy = Proxy::start(server.addr()).expect("a proxy");
    Client::connect(server.addr()).expect("a connection").create_stream("S", 1);
    (server, proxy)
}

fn timed_out(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[test]
fn swallows_exactly_the_acks_that_it_was_told_to() {
    let (server, proxy) = server_and_proxy();
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    assert_eq!(client.save("S", "a").expect("saved"), 1);

    proxy.swallow_acks(2);
    client.set_timeout(Duration::from_millis(300));
    let lost: Vec<u64> = (0..2).map(|_| client.ask("S", "b").expect("sent")).collect();
    eventually("what was swallowed is stored, and other answers pass", || {
        client.count("S").expect("an answer") == 1 + lost.len() as u64
    });
    assert_eq!(client.save("S", "c").expect("the third is not swallowed"), 4);
    assert_eq!(proxy.stats().dropped, lost.len() as u64);

    // A refusal is no ack.
    proxy.swallow_acks(1);
    let refused = client.request("$JS.API.STREAM.INFO.none", "").expect("an answer");
    assert!(refused.get("error").is_some());
    assert_eq!(proxy.stats().dropped, 2);
    drop(server);
}

#[test]
fn a_delayed_message_is_overtaken_by_later_ones() {
    let (_server, proxy) = server_and_proxy();
    proxy.on_server_message(|message| match message.publish_ack() {
        Some(ack) if ack.seq == 1 => Verdict::Delay(Duration::from_millis(500)),
        _ => Verdict::Pass,
    });
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    let first = client.ask("S", "a").expect("sent");
    let start = Instant::now();
    let second = client.ask("S", "b").expect("sent");
    assert_eq!(client.answer().expect("an answer").0, second);
    assert_eq!(client.answer().expect("an answer").0, first);
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
    assert_eq!(proxy.stats().delayed, 1);
}

#[test]
fn drops_a_publish_on_its_way_to_the_server() {
    let (_server, proxy) = server_and_proxy();
    proxy.on_client_message(|message| {
        if message.subject == "S" && message.payload == b"drop me" { Verdict::Drop } else { Verdict::Pass }
    });
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    client.ask("S", "drop me").expect("sent");
    assert_eq!(client.save("S", "keep me").expect("saved"), 1);
    assert_eq!(proxy.stats().dropped, 1);
    proxy.pass_all_messages();
    assert_eq!(client.save("S", "drop me").expect("saved"), 2);
}

#[test]
fn delays_both_ways_and_keeps_the_order() {
    let (_server, proxy) = server_and_proxy();
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    let quick = Instant::now();
    client.save("S", "a").expect("saved");
    assert!(quick.elapsed() < Duration::from_millis(200), "{:?}", quick.elapsed());

    proxy.delay(Duration::from_millis(100));
    let slow = Instant::now();
    client.save("S", "b").expect("saved");
    assert!(slow.elapsed() >= Duration::from_millis(200), "{:?}", slow.elapsed());

    let passed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&passed);
    proxy.on_client_message(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Verdict::Pass
    });
    let early: Vec<u64> = (0..50).map(|_| client.ask("S", "c").expect("sent")).collect();
    eventually("the proxy has them", || passed.load(Ordering::Relaxed) == 50);
    // What comes after a shorter delay must not overtake them.
    proxy.delay(Duration::ZERO);
    let late: Vec<u64> = (0..50).map(|_| client.ask("S", "d").expect("sent")).collect();
    for expected in early.into_iter().chain(late) {
        let (id, ack) = client.answer().expect("an answer");
        assert_eq!(id, expected);
        assert_eq!(ack["seq"], id, "stored in the order in which they were sent");
    }
}

#[test]
fn cuts_and_restores() {
    let (server, proxy) = server_and_proxy();
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    proxy.cut();
    assert!(client.ping().is_err_and(|error| !timed_out(&error)), "not cut");
    assert!(Client::connect(proxy.addr()).is_err(), "accepted while cut");
    proxy.restore();
    Client::connect(proxy.addr()).expect("a connection").save("S", "a").expect("saved");

    // The server comes and goes behind it.
    server.kill().expect("killed");
    assert!(Client::connect(proxy.addr()).is_err());
    server.restart().expect("restarted");
    assert_eq!(Client::connect(proxy.addr()).expect("a connection").count("S").expect("counted"), 1);
}

#[test]
fn a_black_hole_swallows_in_silence_and_what_fell_in_does_not_come_back() {
    let (_server, proxy) = server_and_proxy();
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    let mut idle = Client::connect(proxy.addr()).expect("a connection");
    client.set_timeout(Duration::from_millis(300));
    proxy.blackhole();
    assert!(client.save("S", "lost").is_err_and(|error| timed_out(&error)));
    assert!(proxy.stats().lost_bytes > 0);
    proxy.restore();
    let ended = client.answer().expect_err("a connection that lost bytes is closed");
    assert!(!timed_out(&ended), "{ended}");
    idle.ping().expect("a connection that lost nothing lives on");
    assert_eq!(idle.count("S").expect("counted"), 0);
}

#[test]
fn messages_of_a_megabyte_pass() {
    let (_server, proxy) = server_and_proxy();
    proxy.on_server_message(|_| Verdict::Pass);
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    for _ in 0..5 {
        client.save("S", &"x".repeat(1_000_000)).expect("saved");
    }
    let direct = client.request("$JS.API.STREAM.MSG.GET.S", r#"{"seq":5}"#).expect("an answer");
    assert!(direct["message"]["data"].as_str().is_some_and(|data| data.len() > 1_000_000));
}

#[test]
fn a_closure_that_panics_ends_its_connection_only() {
    let (_server, proxy) = server_and_proxy();
    proxy.on_client_message(|message| {
        assert_ne!(message.payload, b"panic", "as intended by the test");
        Verdict::Pass
    });
    let mut client = Client::connect(proxy.addr()).expect("a connection");
    assert!(client.save("S", "panic").is_err_and(|error| !timed_out(&error)));
    Client::connect(proxy.addr()).expect("a connection").save("S", "fine").expect("saved");
}

#[test]
fn a_raw_proxy_passes_any_bytes_and_a_framed_one_refuses_what_is_not_nats() {
    let server = NatsServer::builder().start().expect("a server");
    let raw = Proxy::raw(server.addr()).expect("a proxy");
    raw.on_client_message(|_| Verdict::Drop);
    let mut client = Client::connect(raw.addr()).expect("a connection");
    client.create_stream("S", 1);
    assert_eq!(client.save("S", "a").expect("saved"), 1);

    let framed = Proxy::start(server.addr()).expect("a proxy");
    let mut client = Client::connect(framed.addr()).expect("a connection");
    client.publish("S", "fine").expect("sent");
    client.publish("S\r\nMSG", "fine").expect("sent");
    assert!(client.ping().is_err());
}

#[test]
fn dropping_it_closes_everything() {
    let (_server, proxy) = server_and_proxy();
    proxy.delay(Duration::from_secs(3_600));
    let addr = proxy.addr();
    let mut client = std::net::TcpStream::connect(addr).expect("a connection");
    let start = Instant::now();
    drop(proxy);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(std::net::TcpStream::connect(addr).is_err());
    assert!(std::io::Read::read(&mut client, &mut [0; 8]).map_or(true, |read| read == 0));
}

/// The campaigns push tens of thousands of messages a second through it.
#[test]
fn is_not_the_bottleneck() {
    let (_server, proxy) = server_and_proxy();
    proxy.on_server_message(|message| match message.publish_ack() {
        Some(ack) if ack.seq == u64::MAX => Verdict::Drop,
        _ => Verdict::Pass,
    });
    let mut rates = [0.0, 0.0];
    for (rate, addr) in rates.iter_mut().zip([_server.addr(), proxy.addr()]) {
        let mut client = Client::connect(addr).expect("a connection");
        let start = Instant::now();
        for _ in 0..100 {
            let batch: Vec<u64> = (0..200).map(|_| client.ask("S", "0123456789").expect("sent")).collect();
            for id in batch {
                assert_eq!(client.answer().expect("an answer").0, id);
            }
        }
        *rate = 20_000.0 / start.elapsed().as_secs_f64();
    }
    let [direct, proxied] = rates;
    assert!(proxied > direct / 4.0, "{proxied:.0} messages/s through the proxy, {direct:.0} without");
}
