//! [`Inbox`]: where the answers to all calls of a process arrive.
//!
//! One wildcard subscription serves all of them, so a call that is given up leaves nothing behind. A call has one place
//! ([`Slot`]) for all of its attempts, since an answer to an earlier one may count. There is no timer for each call: one
//! task looks now and then at all that are open.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use aether_core::Source;
use async_nats::{Client, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// How often open calls are looked at whose time may be over, or whose connection was lost.
const LOOK: Duration = Duration::from_millis(20);
/// Over how many locks the open calls are spread.
const PARTS: usize = 16;
/// How many answers of one call wait to be read; there is one for each attempt, or two in a move.
const MAX_WAITING: usize = 32;

/// What has come for a call.
#[derive(Debug)]
pub(crate) enum Event {
    /// An answer to this attempt.
    Reply(u32, Bytes),
    /// Nobody listened when this attempt was sent.
    NoResponders(u32),
    /// The connection was lost after the last attempt was sent.
    Disconnected,
    /// The connection is closed for good.
    Closed,
    /// It is time to look again.
    Look,
}

/// Where the answers to all calls of a process arrive.
#[derive(Debug)]
pub(crate) struct Inbox {
    prefix: String,
    next: AtomicU64,
    shared: Arc<Shared>,
    _reader: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    open: [Mutex<HashMap<u64, Arc<Slot>>>; PARTS],
    closed: AtomicBool,
    /// Whether all open calls are to look at the table of owners.
    moved: AtomicBool,
}

/// Where the answers to one call wait.
#[derive(Debug)]
struct Slot(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    events: VecDeque<Event>,
    waker: Option<Waker>,
    /// When it is to look again.
    until: Option<Instant>,
    /// How often the connection had been made when the last attempt was sent.
    connects: Option<u64>,
    look: bool,
}

impl Slot {
    fn put(&self, event: Event) {
        let mut waiting = self.0.lock();
        if waiting.events.len() < MAX_WAITING {
            waiting.events.push_back(event);
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn look(&self, now: Instant, connects: u64, moved: bool) {
        let mut waiting = self.0.lock();
        if waiting.connects.is_some_and(|before| before != connects) {
            waiting.connects = None;
            waiting.events.push_back(Event::Disconnected);
        } else if moved || waiting.until.is_some_and(|until| now >= until) {
            waiting.look = true;
        } else {
            return;
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Inbox {
    pub(crate) async fn new(client: Client, deadline: Instant) -> Result<Self, Source> {
        let prefix = client.new_inbox();
        let answers = timeout_at(deadline, client.subscribe(format!("{prefix}.*"))).await??;
        let shared = Arc::new(Shared {
            client,
            open: std::array::from_fn(|_| Mutex::default()),
            closed: AtomicBool::new(false),
            moved: AtomicBool::new(false),
        });
        let reader = tokio::spawn(Arc::clone(&shared).read(answers, prefix.len() + 1));
        let reader = AbortOnDropHandle::new(reader);
        Ok(Self { prefix, next: AtomicU64::new(0), shared, _reader: reader })
    }

    /// A place for the answers to one call.
    pub(crate) fn open(&self) -> Open<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting {
            events: VecDeque::new(),
            waker: None,
            until: None,
            connects: None,
            look: self.shared.closed.load(Ordering::Acquire),
        };
        let slot = Arc::new(Slot(Mutex::new(waiting)));
        self.shared.part(id).lock().insert(id, Arc::clone(&slot));
        Open { inbox: self, id, slot }
    }

    /// Makes all open calls look at the table of owners, soon.
    pub(crate) fn owners_changed(&self) {
        self.shared.moved.store(true, Ordering::Release);
    }

    /// Proves by a round trip that the server has seen all that was sent over this connection before. A flush proves
    /// nothing: it is over when the client has written, and the server may not have read.
    pub(crate) async fn round_trip(&self, deadline: Instant) -> Result<(), Source> {
        let open = self.open();
        let to = open.reply_subject(0);
        timeout_at(deadline, self.shared.client.publish(to, Bytes::new())).await??;
        open.sent(self.shared.connects());
        let answered = timeout_at(deadline, async {
            loop {
                match open.event().await {
                    Event::Reply(..) => return Ok(()),
                    // Owners have changed, which is nothing to this one.
                    Event::Look => {}
                    Event::NoResponders(_) | Event::Disconnected | Event::Closed => {
                        return Err("the connection was lost".into());
                    }
                }
            }
        });
        answered.await?
    }

    /// How often the connection was made.
    pub(crate) fn connects(&self) -> u64 {
        self.shared.connects()
    }

    #[cfg(test)]
    pub(crate) fn open_calls(&self) -> usize {
        self.shared.open.iter().map(|part| part.lock().len()).sum()
    }
}

/// An open call; taken back when it is dropped.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    inbox: &'a Inbox,
    id: u64,
    slot: Arc<Slot>,
}

impl Open<'_> {
    /// Where the answer to this attempt is awaited.
    pub(crate) fn reply_subject(&self, attempt: u32) -> String {
        format!("{}.{}-{attempt}", self.inbox.prefix, self.id)
    }

    /// An attempt is sent, on the connection that was made for the so manieth time.
    pub(crate) fn sent(&self, connects: u64) {
        self.slot.0.lock().connects = Some(connects);
    }

    /// The next that comes; [`Event::Look`] soon after `until`.
    pub(crate) async fn event_until(&self, until: Instant) -> Event {
        self.slot.0.lock().until = Some(until);
        self.event().await
    }

    /// The next that comes.
    pub(crate) async fn event(&self) -> Event {
        poll_fn(|context| {
            let mut waiting = self.slot.0.lock();
            if let Some(event) = waiting.events.pop_front() {
                return Poll::Ready(event);
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

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.inbox.shared.part(self.id).lock().remove(&self.id);
    }
}

impl Shared {
    #[expect(clippy::cast_possible_truncation, reason = "only which part matters")]
    fn part(&self, id: u64) -> &Mutex<HashMap<u64, Arc<Slot>>> {
        &self.open[id as usize % PARTS]
    }

    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Hands out the answers; their subjects have the call's id and the attempt from `prefix` on.
    async fn read(self: Arc<Self>, mut answers: Subscriber, prefix: usize) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                answer = answers.next() => {
                    let Some(answer) = answer else { break };
                    self.hand_out(answer, prefix);
                }
                _ = look.tick() => self.look(),
            }
        }
        // The subscription ends only with the connection: nobody will be answered any more.
        self.closed.store(true, Ordering::Release);
        self.moved.store(true, Ordering::Release);
        self.look();
    }

    fn hand_out(&self, answer: Message, prefix: usize) {
        let token = answer.subject.get(prefix..).and_then(|token| token.split_once('-'));
        let Some((id, attempt)) = token else { return };
        let (Ok(id), Ok(attempt)) = (id.parse(), attempt.parse()) else { return };
        let slot = self.part(id).lock().get(&id).cloned();
        // Whoever asked may have given up.
        let Some(slot) = slot else { return };
        slot.put(match answer.status {
            Some(StatusCode::NO_RESPONDERS) => Event::NoResponders(attempt),
            _ => Event::Reply(attempt, answer.payload),
        });
    }

    fn look(&self) {
        let (now, connects) = (Instant::now(), self.connects());
        let moved = self.moved.swap(false, Ordering::AcqRel);
        for part in &self.open {
            let slots: Vec<_> = part.lock().values().cloned().collect();
            for slot in slots {
                slot.look(now, connects, moved);
            }
        }
    }
}
