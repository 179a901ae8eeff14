//! The desk: orders go out to the workers, again and again until they are answered, and what is said is written down.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::said::{Answer, Order, Said, Told, Way};

/// How long an order waits for an answer before it is sent again, in milliseconds, and as long again with each time: also
/// before that is known to be in vain, but not so often that there is no time for anything else.
const AGAIN_AFTER: std::ops::Range<u64> = 1_000..6_000;
/// How long it is sent again and again.
const PATIENCE: Duration = Duration::from_secs(240);

/// The last word about an order.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    pub(crate) order: Order,
    pub(crate) answer: Answer,
    /// How often it was sent.
    pub(crate) sent: u32,
}

/// What is known of all orders.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    open: Mutex<HashMap<Uuid, mpsc::Sender<(u32, Answer)>>>,
    workers: Mutex<Vec<Option<mpsc::Sender<Told>>>>,
    closed: Mutex<Vec<Closed>>,
    receipts: Mutex<Vec<(Uuid, Uuid)>>,
    answered: AtomicU64,
    gap: Mutex<Gap>,
    /// Whether the next order that is sent is somebody's last.
    last: AtomicBool,
    /// Whether no further orders are needed.
    enough: AtomicBool,
}

/// The longest time without an answer.
#[derive(Debug, Default)]
struct Gap {
    since: Option<Instant>,
    longest: Duration,
}

impl Desk {
    /// A worker says something.
    pub(crate) fn heard(&self, said: Said) {
        match said {
            Said::Ready => {}
            Said::Receipt { effect, transfer } => self.receipts.lock().unwrap().push((effect, transfer)),
            Said::Answered { id, attempt, answer } => {
                if let Some(waiting) = self.open.lock().unwrap().get(&id) {
                    // Full: it has more answers than it can use.
                    let _ = waiting.try_send((attempt, answer));
                }
            }
        }
    }

    /// This worker is at work from now on, or none in its place.
    pub(crate) fn employ(&self, place: usize, told: Option<mpsc::Sender<Told>>) {
        let mut workers = self.workers.lock().unwrap();
        if workers.len() <= place {
            workers.resize(place + 1, None);
        }
        workers[place] = told;
    }

    /// The next order to this worker is its last.
    pub(crate) fn next_is_last(&self) {
        self.last.store(true, Ordering::Relaxed);
    }

    /// Whether that order has been sent.
    pub(crate) fn last_is_out(&self) -> bool {
        !self.last.load(Ordering::Relaxed)
    }

    /// No further orders are needed than were wanted at least.
    pub(crate) fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Whether no further orders are needed.
    pub(crate) fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }

    /// How many orders were answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// The last words about all orders.
    pub(crate) fn closed(&self) -> Vec<Closed> {
        self.closed.lock().unwrap().clone()
    }

    /// The receipts that were handed out: the effect's id, and the transfer.
    pub(crate) fn receipts(&self) -> Vec<(Uuid, Uuid)> {
        self.receipts.lock().unwrap().clone()
    }

    /// The longest time in which no order was answered.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.gap.lock().unwrap().longest
    }

    /// Sends an order until it is answered, or there is no patience left.
    pub(crate) async fn place(&self, order: Order) {
        let (answer, mut answers) = mpsc::channel(16);
        self.open.lock().unwrap().insert(order.id, answer);
        let begun = Instant::now();
        let mut attempt = 0;
        let mut said = Vec::new();
        let (answer, of) = loop {
            attempt += 1;
            self.send(Told { order, attempt, last: false }).await;
            let patience = Duration::from_millis(fastrand::u64(AGAIN_AFTER)) * attempt;
            let word = last_word(&mut answers, &order, attempt, &mut said);
            match tokio::time::timeout(patience, word).await {
                Ok(Some(word)) => break word,
                Ok(None) => tokio::time::sleep(Duration::from_millis(fastrand::u64(..200))).await,
                Err(_) => said.push(format!("attempt {attempt}: nothing within {patience:?}")),
            }
            if begun.elapsed() > PATIENCE {
                break (Answer::NotYet(said.join("; ")), attempt);
            }
        };
        self.open.lock().unwrap().remove(&order.id);
        self.close(Closed { order, answer, sent: attempt.max(of) });
    }

    fn close(&self, closed: Closed) {
        self.closed.lock().unwrap().push(closed);
        self.answered.fetch_add(1, Ordering::Relaxed);
        let (now, mut gap) = (Instant::now(), self.gap.lock().unwrap());
        if let Some(since) = gap.since.replace(now) {
            gap.longest = gap.longest.max(now - since);
        }
    }

    async fn send(&self, mut told: Told) {
        let worker = {
            let workers = self.workers.lock().unwrap();
            let present: Vec<_> = workers.iter().enumerate().filter(|(_, worker)| worker.is_some()).collect();
            fastrand::choice(present).and_then(|(place, worker)| Some((place, worker.clone()?)))
        };
        let Some((place, worker)) = worker else { return };
        // The first worker is the one that dies.
        if place == 0 {
            told.last = self.last.swap(false, Ordering::Relaxed);
        }
        // A worker that has died takes nothing; the order is sent again.
        let _ = worker.send(told).await;
    }
}

/// The first answer that counts; `None` if it is to be sent again.
async fn last_word(
    answers: &mut mpsc::Receiver<(u32, Answer)>,
    order: &Order,
    attempt: u32,
    said: &mut Vec<String>,
) -> Option<(Answer, u32)> {
    while let Some((of, answer)) = answers.recv().await {
        match answer {
            Answer::NotYet(why) => {
                said.push(format!("attempt {of}: {why}"));
                if of == attempt {
                    return None;
                }
            }
            // What was not recorded is no answer any more once it was sent again.
            Answer::Refused(_) if of < attempt && (of == 1 || order.way == Way::Transaction) => {}
            answer => return Some((answer, of)),
        }
    }
    None
}
