//! [`Inbox`]: requests to the server and to other processes, and their answers, over one wildcard subscription.
//!
//! One subscription serves all answers. That is cheaper than the client's own requests, and a request that is given up
//! leaves nothing behind. [`Inbox::ask`] waits for one answer; a [`Call`] takes the answers to all of its attempts. No
//! request has a timer of its own: one task looks at all that are open.

use std::collections::hash_map::{Entry, HashMap};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use crate::{Denials, NoAnswer};

/// The number of questions that may be open at a time; the next one waits. Well below the number of messages that a
/// subscription holds, so that no answer is dropped.
const MAX_OPEN: usize = 8192;
/// The interval at which the inbox looks for open requests that cannot be answered any more, unless the owner sets it.
const LOOK: Duration = Duration::from_millis(50);
/// The number of locks over which the open requests are spread.
const PARTS: usize = 16;
/// The number of answers to one call that may wait to be read.
const MAX_WAITING: usize = 32;

/// A question.
#[derive(Debug, Clone)]
pub struct Request {
    /// The subject that the request is sent to.
    pub subject: Subject,
    /// The headers.
    pub headers: Option<HeaderMap>,
    /// The body.
    pub payload: Bytes,
}

/// An event of a [`Call`].
#[derive(Debug)]
pub enum Event {
    /// An answer to this attempt.
    Answer(u32, Message),
    /// No subscriber was there when this attempt was sent.
    NoResponders(u32),
    /// The connection was lost after the last attempt was sent.
    Disconnected,
    /// The server refused the last attempt, in its words.
    Denied(String),
    /// The connection is closed for good.
    Closed,
    /// The time is over, or [`Inbox::wake_all`] was called.
    Look,
}

/// Sends requests and hands out the answers.
#[derive(Debug)]
pub struct Inbox {
    prefix: String,
    next: AtomicU64,
    room: Semaphore,
    shared: Arc<Shared>,
    reader: JoinHandle<()>,
}

type Slots = HashMap<u64, Arc<Slot>, ahash::RandomState>;

/// The state that callers share with the task that reads the answers.
#[derive(Debug)]
struct Shared {
    client: Client,
    denials: Option<Denials>,
    open: [Mutex<Slots>; PARTS],
    closed: AtomicBool,
    /// True if all open calls are to be woken.
    wake_all: AtomicBool,
}

/// The place where the answers to one request wait.
#[derive(Debug)]
struct Slot {
    /// True if the first answer is the only one.
    once: bool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: SmallVec<[Event; 1]>,
    waker: Option<Waker>,
    /// The time at which the call looks again.
    until: Option<Instant>,
    /// The number of connections so far when the last attempt was sent.
    connects: Option<u64>,
    look: bool,
    /// The time and subject of the last attempt; only kept where denials are known.
    sent: Option<(Instant, Subject)>,
    /// True once the reader has taken the slot out.
    is_out: bool,
}

impl Slot {
    /// Adds an answer.
    fn put(&self, event: Event) {
        let mut waiting = self.waiting.lock();
        waiting.is_out = self.once;
        if waiting.events.len() < MAX_WAITING {
            waiting.events.push(event);
        }
        waiting.wake();
    }

    fn look(&self, now: Instant, connects: u64, wake: bool, denials: Option<&Denials>) {
        let mut waiting = self.waiting.lock();
        let denied = denials.zip(waiting.sent.as_ref());
        let denied = denied.and_then(|(denials, (at, subject))| denials.since(*at, subject));
        if let Some(denied) = denied {
            waiting.sent = None;
            waiting.events.push(Event::Denied(denied));
        } else if self.once && waiting.until.is_some_and(|until| now >= until) {
            waiting.look = true;
        } else if waiting.connects.is_some_and(|before| before != connects) {
            waiting.connects = None;
            waiting.events.push(Event::Disconnected);
        } else if wake && !self.once || waiting.until.is_some_and(|until| now >= until) {
            waiting.look = true;
        } else {
            return;
        }
        waiting.wake();
    }
}

impl Waiting {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Inbox {
    /// Subscribes, for a client whose denials may be known.
    ///
    /// # Errors
    /// [`NoAnswer::NotSent`] if the client cannot subscribe.
    pub async fn new(client: Client, denials: Option<Denials>) -> Result<Self, NoAnswer> {
        Self::looking_every(client, denials, LOOK).await
    }

    /// Subscribes; open requests are looked at this often.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn looking_every(
        client: Client,
        denials: Option<Denials>,
        look: Duration,
    ) -> Result<Self, NoAnswer> {
        let prefix = client.new_inbox();
        let answers = client.subscribe(format!("{prefix}.*")).await;
        let answers = answers.map_err(|e| NoAnswer::NotSent(e.into()))?;
        let shared = Arc::new(Shared {
            client,
            denials,
            open: std::array::from_fn(|_| Mutex::default()),
            closed: AtomicBool::new(false),
            wake_all: AtomicBool::new(false),
        });
        let reader = tokio::spawn(Arc::clone(&shared).read(answers, prefix.len() + 1, look));
        Ok(Self { prefix, next: AtomicU64::new(0), room: Semaphore::new(MAX_OPEN), shared, reader })
    }

    /// The connection.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Returns how often the connection was made.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.shared.connects()
    }

    /// Returns what the server denied about `subject` since then.
    #[must_use]
    pub fn denied(&self, sent: Instant, subject: &str) -> Option<String> {
        self.shared.denials.as_ref()?.since(sent, subject)
    }

    /// Asks, and waits until `deadline`, or a little longer.
    ///
    /// # Errors
    /// [`NoAnswer`], which says whether the question may have been delivered.
    pub async fn ask(&self, request: Request, deadline: Instant) -> Result<Message, NoAnswer> {
        self.ask_after(&[], request, deadline).await
    }

    /// Sends messages that nobody answers, then asks; all in this order on the one connection.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_after(
        &self,
        before: &[Request],
        request: Request,
        deadline: Instant,
    ) -> Result<Message, NoAnswer> {
        let asked = Instant::now();
        let Request { subject, headers, payload } = request;
        let _room = match self.room.try_acquire() {
            Ok(room) => room,
            Err(_) => match timeout_at(deadline, self.room.acquire()).await {
                Ok(Ok(room)) => room,
                Ok(Err(_)) => return Err(NoAnswer::Closed),
                Err(_) => return outcome(Event::Look, &subject, asked),
            },
        };
        let sent = self.shared.denials.is_some().then(|| (asked, subject.clone()));
        let call = self.open(Some(deadline), sent);
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(NoAnswer::Closed);
        }
        let client = self.client();
        let sending = async {
            for Request { subject, headers, payload } in before {
                let headers = headers.clone().unwrap_or_default();
                client.publish_with_headers(subject.clone(), headers, payload.clone()).await?;
            }
            let (subject, reply) = (subject.clone(), call.reply_subject(0));
            match headers {
                Some(headers) => {
                    client.publish_with_reply_and_headers(subject, reply, headers, payload).await
                }
                None => client.publish_with_reply(subject, reply, payload).await,
            }
        };
        // Sending waits only while the connection is down; then the question is lost at its deadline, too.
        let event = tokio::select! {
            biased;
            sent = sending => {
                sent.map_err(|e| NoAnswer::NotSent(e.into()))?;
                call.event().await
            }
            event = call.event() => match event {
                Event::Answer(..) | Event::NoResponders(_) => Event::Disconnected,
                lost => lost,
            },
        };
        outcome(event, &subject, asked)
    }

    /// Proves by a round trip that the server has seen everything that was sent over the connection before. A flush proves
    /// nothing: it is over when the client has written, and the server may not have read.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn round_trip(&self, deadline: Instant) -> Result<(), NoAnswer> {
        let call = self.open(Some(deadline), None);
        if self.shared.closed.load(Ordering::SeqCst) {
            return Err(NoAnswer::Closed);
        }
        let (subject, asked) = (call.reply_subject(0), Instant::now());
        let event = match timeout_at(deadline, self.client().publish(subject.clone(), Bytes::new())).await {
            Ok(sent) => {
                sent.map_err(|e| NoAnswer::NotSent(e.into()))?;
                call.event().await
            }
            Err(_) => Event::Look,
        };
        outcome(event, &subject, asked).map(drop)
    }

    /// Opens a place for the answers to all attempts of one call.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        self.open(None, None)
    }

    /// Makes all open calls [look](Event::Look), soon.
    pub fn wake_all(&self) {
        self.shared.wake_all.store(true, Ordering::Release);
    }

    /// Returns how many requests are open.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.shared.open.iter().map(|part| part.lock().len()).sum()
    }

    /// Opens a slot: with a deadline, for one answer.
    fn open(&self, until: Option<Instant>, sent: Option<(Instant, Subject)>) -> Call<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let connects = until.map(|_| self.connects());
        let waiting = Waiting { until, connects, sent, ..Waiting::default() };
        let slot = Arc::new(Slot { once: until.is_some(), waiting: Mutex::new(waiting) });
        self.shared.part(id).lock().insert(id, Arc::clone(&slot));
        if self.shared.closed.load(Ordering::SeqCst) {
            // The task that would report it has ended.
            slot.waiting.lock().look = true;
        }
        Call { inbox: self, id, slot }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Returns the answer to a request, or the reason why this event ends it without one.
fn outcome(event: Event, subject: &str, asked: Instant) -> Result<Message, NoAnswer> {
    let subject = || subject.to_owned();
    match event {
        Event::Answer(_, message) => Ok(message),
        Event::NoResponders(_) => Err(NoAnswer::NoResponders { subject: subject() }),
        Event::Disconnected => Err(NoAnswer::Reconnected { subject: subject() }),
        Event::Denied(denied) => Err(NoAnswer::Denied(denied)),
        Event::Closed => Err(NoAnswer::Closed),
        Event::Look => Err(NoAnswer::TimedOut { subject: subject(), waited: asked.elapsed() }),
    }
}

/// An open call. Dropping it gives it up.
#[derive(Debug)]
pub struct Call<'a> {
    inbox: &'a Inbox,
    id: u64,
    slot: Arc<Slot>,
}

impl Call<'_> {
    /// Returns the subject on which the answer to this attempt is awaited.
    #[must_use]
    pub fn reply_subject(&self, attempt: u32) -> String {
        let mut subject = String::with_capacity(self.inbox.prefix.len() + 16);
        subject.push_str(&self.inbox.prefix);
        subject.push('.');
        push_base36(&mut subject, self.id);
        if attempt > 0 {
            subject.push('-');
            push_base36(&mut subject, attempt.into());
        }
        subject
    }

    /// Notes that an attempt is sent, over a connection that had been made this often.
    pub fn sent(&self, connects: u64) {
        self.slot.waiting.lock().connects = Some(connects);
    }

    /// Waits for the next event; [`Event::Look`] comes soon after `until`.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn event_until(&self, until: Instant) -> Event {
        self.slot.waiting.lock().until = Some(until);
        self.event().await
    }

    /// Waits for the next event.
    ///
    /// # Cancel safety
    /// No event is lost when the future is dropped.
    pub async fn event(&self) -> Event {
        poll_fn(|context| {
            let mut waiting = self.slot.waiting.lock();
            if !waiting.events.is_empty() {
                return Poll::Ready(waiting.events.remove(0));
            }
            if std::mem::take(&mut waiting.look) {
                waiting.until = None;
                let closed = self.inbox.shared.closed.load(Ordering::Acquire);
                return Poll::Ready(if closed { Event::Closed } else { Event::Look });
            }
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => waiting.waker = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.slot.waiting.lock().is_out {
            self.inbox.shared.part(self.id).lock().remove(&self.id);
        }
    }
}

impl Shared {
    #[expect(clippy::cast_possible_truncation, reason = "only which part matters")]
    fn part(&self, id: u64) -> &Mutex<Slots> {
        &self.open[id as usize % PARTS]
    }

    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Hands out the answers; their subjects have the request's id, and maybe the attempt, from `prefix` on.
    async fn read(self: Arc<Self>, mut answers: Subscriber, prefix: usize, look: Duration) {
        let mut look = tokio::time::interval(look);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut denied = 0;
        loop {
            tokio::select! {
                answer = answers.next() => {
                    let Some(answer) = answer else { break };
                    self.hand_out(answer, prefix);
                }
                _ = look.tick() => self.look(&mut denied),
            }
        }
        // The subscription ends only with the connection: no request will be answered any more.
        self.closed.store(true, Ordering::SeqCst);
        for part in &self.open {
            for slot in part.lock().values() {
                let mut waiting = slot.waiting.lock();
                waiting.look = true;
                waiting.wake();
            }
        }
    }

    fn hand_out(&self, answer: Message, prefix: usize) {
        let Some(token) = answer.subject.get(prefix..) else { return };
        let (id, attempt) = token.split_once('-').unwrap_or((token, "0"));
        let (Ok(id), Ok(attempt)) = (u64::from_str_radix(id, 36), u32::from_str_radix(attempt, 36)) else {
            return;
        };
        let event = match answer.status {
            Some(StatusCode::NO_RESPONDERS) => Event::NoResponders(attempt),
            _ => Event::Answer(attempt, answer),
        };
        let mut part = self.part(id).lock();
        let Entry::Occupied(entry) = part.entry(id) else {
            // The caller has given up.
            return;
        };
        let slot = if entry.get().once { entry.remove() } else { Arc::clone(entry.get()) };
        drop(part);
        slot.put(event);
    }

    /// Tells the callers whose requests will not be answered. Denials are looked at only if there are new ones.
    fn look(&self, denied: &mut u64) {
        let (now, connects) = (Instant::now(), self.connects());
        let wake = self.wake_all.swap(false, Ordering::AcqRel);
        let count = self.denials.as_ref().map_or(0, Denials::count);
        let denials = self.denials.as_ref().filter(|_| std::mem::replace(denied, count) != count);
        for part in &self.open {
            let slots: Vec<_> = part.lock().values().cloned().collect();
            for slot in slots {
                slot.look(now, connects, wake, denials);
            }
        }
    }
}

/// Appends a number in a short form that a subject token can hold.
fn push_base36(text: &mut String, mut number: u64) {
    let mut digits = [0u8; 13];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize];
        number /= 36;
        if number == 0 {
            break;
        }
    }
    text.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_36_is_read_back() {
        for number in [0, 35, 36, 1_000_000, u64::MAX] {
            let mut text = String::new();
            push_base36(&mut text, number);
            assert_eq!(u64::from_str_radix(&text, 36), Ok(number));
        }
    }
}
