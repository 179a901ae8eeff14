//! Asking a server how it is, through its HTTP monitoring port: that needs no user, whatever its configuration.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A server that does not answer for so long counts as not answering (it may be paused).
const TIMEOUT: Duration = Duration::from_secs(2);

/// The JSON answer to `GET path`, and whether the status was 200.
pub(super) fn get(addr: SocketAddr, path: &str) -> Option<(bool, Value)> {
    let mut stream = connect(addr)?;
    // HTTP/1.0: no chunks, and the connection ends with the answer.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = answer.split_at_checked(split)?;
    let ok = head.split(|byte| *byte == b' ').nth(1) == Some(b"200");
    Some((ok, serde_json::from_slice(body).unwrap_or(Value::Null)))
}

/// Whether the server says that all of it is in order, with what it complains about otherwise.
pub(super) fn health(addr: SocketAddr) -> Result<(), String> {
    match get(addr, "/healthz") {
        Some((true, _)) => Ok(()),
        Some((false, body)) => {
            Err(body.get("error").and_then(Value::as_str).unwrap_or("healthz says no").to_owned())
        }
        None => Err("its monitoring port does not answer".to_owned()),
    }
}

/// The first line that a server sends to a client, without `INFO `. Proves that it takes connections.
pub(super) fn info(addr: SocketAddr) -> Option<Value> {
    let mut line = String::new();
    BufReader::new(connect(addr)?).read_line(&mut line).ok()?;
    serde_json::from_str(line.strip_prefix("INFO ")?).ok()
}

fn connect(addr: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&addr, TIMEOUT).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    stream.set_write_timeout(Some(TIMEOUT)).ok()?;
    Some(stream)
}
