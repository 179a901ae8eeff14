//! The far end of one direction of a connection: writes at once, or later.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Writes to a socket, now or after a delay. What is delayed for the whole direction stays in order; a single frame that is
/// delayed on its own is overtaken by what follows it.
#[derive(Debug)]
pub(super) struct Outlet {
    shared: Arc<Shared>,
    /// Writes what was delayed; started with the first delay.
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Locked for every write, so that frames never mix.
    socket: Mutex<TcpStream>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    entries: BinaryHeap<Entry>,
    /// Entries of the whole direction that are not yet written. While there are any, what follows has to queue up.
    in_order: usize,
    last_due: Option<Instant>,
    count: u64,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    due: Instant,
    number: u64,
    in_order: bool,
    bytes: Vec<u8>,
}

impl Outlet {
    pub(super) fn new(socket: TcpStream) -> Self {
        let shared = Shared { socket: Mutex::new(socket), queue: Mutex::default(), changed: Condvar::new() };
        Self { shared: Arc::new(shared), writer: None }
    }

    /// Writes bytes of the direction, in order, after its present delay.
    pub(super) fn write(&mut self, bytes: &[u8], delay: Duration) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut queue = self.shared.queue();
        if delay.is_zero() && queue.in_order == 0 {
            drop(queue);
            return self.shared.socket().write_all(bytes);
        }
        // A delay that has become shorter must not let later bytes overtake earlier ones.
        let due = Instant::now() + delay;
        let due = queue.last_due.map_or(due, |last| last.max(due));
        queue.last_due = Some(due);
        queue.in_order += 1;
        queue.push(due, true, bytes);
        drop(queue);
        self.wake();
        Ok(())
    }

    /// Writes one whole frame later, whatever else is written meanwhile.
    pub(super) fn write_later(&mut self, frame: &[u8], delay: Duration) {
        self.shared.queue().push(Instant::now() + delay, false, frame);
        self.wake();
    }

    fn wake(&mut self) {
        self.shared.changed.notify_one();
        if self.writer.is_none() {
            let shared = Arc::clone(&self.shared);
            self.writer = Some(thread::spawn(move || shared.write_what_is_due()));
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_one();
        if let Some(writer) = self.writer.take() {
            // It does not panic; and if it did, the connection would be closed all the same.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn write_what_is_due(&self) {
        let mut queue = self.queue();
        while !queue.closed {
            let wait = queue.entries.peek().map(|entry| entry.due.saturating_duration_since(Instant::now()));
            queue = match wait {
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(wait) if !wait.is_zero() => {
                    self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let Some(entry) = queue.entries.pop() else { continue };
                    drop(queue);
                    // A broken connection is noticed by its reader.
                    let _ = self.socket().write_all(&entry.bytes);
                    let mut queue = self.queue();
                    queue.in_order -= usize::from(entry.in_order);
                    queue
                }
            };
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self) -> MutexGuard<'_, TcpStream> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, due: Instant, in_order: bool, bytes: &[u8]) {
        let number = self.count;
        self.count += 1;
        self.entries.push(Entry { due, number, in_order, bytes: bytes.to_vec() });
    }
}

// The heap gives the greatest first: that is the earliest, and of those due at once the first that came.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}
