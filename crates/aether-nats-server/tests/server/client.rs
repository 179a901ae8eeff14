//! The least NATS client that these tests need, blocking.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    requests: u64,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Self> {
        Self::connect_with(addr, "")
    }

    /// `credentials` are fields of the CONNECT object, each with a comma after it.
    pub(crate) fn connect_with(addr: SocketAddr, credentials: &str) -> io::Result<Self> {
        let writer = TcpStream::connect(addr)?;
        writer.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut client = Self { reader: BufReader::new(writer.try_clone()?), writer, requests: 0 };
        client.line()?; // INFO
        let connect =
            format!("CONNECT {{{credentials}\"verbose\":false,\"pedantic\":false,\"headers\":true}}\r\n");
        client.writer.write_all(connect.as_bytes())?;
        client.writer.write_all(b"SUB _INBOX.> 1\r\n")?;
        client.ping()?;
        Ok(client)
    }

    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.writer.set_read_timeout(Some(timeout)).expect("a timeout");
    }

    /// A round trip; fails with what the server complains about.
    pub(crate) fn ping(&mut self) -> io::Result<()> {
        self.writer.write_all(b"PING\r\n")?;
        loop {
            let line = self.line()?;
            match line.trim_end() {
                "PONG" => return Ok(()),
                error if error.starts_with("-ERR") => return Err(io::Error::other(error.to_owned())),
                _ => {}
            }
        }
    }

    pub(crate) fn publish(&mut self, subject: &str, payload: &str) -> io::Result<()> {
        self.writer.write_all(format!("PUB {subject} {}\r\n{payload}\r\n", payload.len()).as_bytes())
    }

    /// Publishes with the next request's reply subject, without waiting for the answer.
    pub(crate) fn ask(&mut self, subject: &str, payload: &str) -> io::Result<u64> {
        self.requests += 1;
        let id = self.requests;
        let message = format!("PUB {subject} _INBOX.{id} {}\r\n{payload}\r\n", payload.len());
        self.writer.write_all(message.as_bytes())?;
        Ok(id)
    }

    /// The next answer to any request: its number and its payload. An answer without a payload ("no responders") is an
    /// error.
    pub(crate) fn answer(&mut self) -> io::Result<(u64, Value)> {
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["MSG" | "HMSG", subject, .., len] => {
                    let mut payload = vec![0; len.parse::<usize>().expect("a length") + 2];
                    self.reader.read_exact(&mut payload)?;
                    let id = subject.rsplit('.').next().and_then(|id| id.parse().ok()).expect("an id");
                    let text = payload.trim_ascii();
                    let answer = serde_json::from_slice(text).map_err(|_| {
                        io::Error::new(
                            io::ErrorKind::NotConnected,
                            String::from_utf8_lossy(text).into_owned(),
                        )
                    })?;
                    return Ok((id, answer));
                }
                ["PING"] => self.writer.write_all(b"PONG\r\n")?,
                ["-ERR", ..] => return Err(io::Error::other(line)),
                _ => {}
            }
        }
    }

    pub(crate) fn request(&mut self, subject: &str, payload: &str) -> io::Result<Value> {
        let id = self.ask(subject, payload)?;
        loop {
            let (answered, answer) = self.answer()?;
            if answered == id {
                return Ok(answer);
            }
        }
    }

    /// Creates a stream of one subject, its name.
    pub(crate) fn create_stream(&mut self, name: &str, replicas: usize) {
        let config = json!({"name": name, "subjects": [name], "num_replicas": replicas, "storage": "file"});
        let answer =
            self.request(&format!("$JS.API.STREAM.CREATE.{name}"), &config.to_string()).expect("an answer");
        assert!(answer.get("error").is_none(), "{answer}");
    }

    /// Saves a message; its sequence.
    pub(crate) fn save(&mut self, stream: &str, payload: &str) -> io::Result<u64> {
        let ack = self.request(stream, payload)?;
        ack.get("seq").and_then(Value::as_u64).ok_or_else(|| io::Error::other(ack.to_string()))
    }

    /// How many messages a stream holds.
    pub(crate) fn count(&mut self, stream: &str) -> io::Result<u64> {
        let info = self.request(&format!("$JS.API.STREAM.INFO.{stream}"), "")?;
        info["state"]["messages"].as_u64().ok_or_else(|| io::Error::other(info.to_string()))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line)
    }
}
