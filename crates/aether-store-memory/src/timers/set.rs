//! [`TimerSet`]: the timers that are set, and which of them is due next.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aether_core::{Timer, TimerId};
use time::OffsetDateTime;

/// When a timer is to be handed out, and a number that no other place has.
type Place = (OffsetDateTime, u64);

/// All timers. At any moment each either waits for its time or is handed out.
#[derive(Default)]
pub(super) struct TimerSet {
    entries: HashMap<TimerId, Entry>,
    waiting: BTreeMap<Place, TimerId>,
    /// The last number that was given away.
    last: u64,
}

struct Entry {
    timer: Timer,
    /// How often it has been handed out.
    attempts: u64,
    is: Is,
}

enum Is {
    Waiting(Place),
    /// Handed out, by this number.
    Out(u64),
}

/// A timer that is due, and the number that it is handed out by.
pub(super) struct Taken {
    pub(super) timer: Timer,
    pub(super) number: u64,
    pub(super) attempt: u64,
}

impl TimerSet {
    /// Sets a timer in place of one of the same id, if that is another one.
    pub(super) fn set(&mut self, timer: &Timer) {
        if self.entries.get(&timer.id).is_some_and(|entry| entry.timer == *timer) {
            return;
        }
        self.cancel(&timer.id);
        let place = (timer.at, self.number());
        self.waiting.insert(place, timer.id.clone());
        let entry = Entry { timer: timer.clone(), attempts: 0, is: Is::Waiting(place) };
        self.entries.insert(timer.id.clone(), entry);
    }

    pub(super) fn cancel(&mut self, id: &TimerId) {
        if let Some(Entry { is: Is::Waiting(place), .. }) = self.entries.remove(id) {
            self.waiting.remove(&place);
        }
    }

    /// Takes the timer that is due first; otherwise says when one will be.
    pub(super) fn take(&mut self, now: OffsetDateTime) -> Result<Taken, Option<OffsetDateTime>> {
        loop {
            let number = self.number();
            let first = self.waiting.first_entry().ok_or(None)?;
            let &(at, _) = first.key();
            if at > now {
                return Err(Some(at));
            }
            if let Some(entry) = self.entries.get_mut(&first.remove()) {
                entry.is = Is::Out(number);
                entry.attempts += 1;
                return Ok(Taken { timer: entry.timer.clone(), number, attempt: entry.attempts });
            }
        }
    }

    /// Forgets a timer that was handed out by this number, unless it has been set anew since.
    pub(super) fn forget(&mut self, id: &TimerId, number: u64) {
        if self.handed_out(id, number).is_some() {
            self.entries.remove(id);
        }
    }

    /// Has a timer that was handed out by this number wait again, unless it has been set anew since.
    pub(super) fn give_back(&mut self, id: &TimerId, number: u64, at: OffsetDateTime) {
        let place = (at, self.number());
        if let Some(entry) = self.handed_out(id, number) {
            entry.is = Is::Waiting(place);
            self.waiting.insert(place, id.clone());
        }
    }

    fn handed_out(&mut self, id: &TimerId, number: u64) -> Option<&mut Entry> {
        self.entries.get_mut(id).filter(|entry| matches!(entry.is, Is::Out(by) if by == number))
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl fmt::Debug for TimerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (set, waiting) = (self.entries.len(), self.waiting.len());
        f.debug_struct("TimerSet").field("set", &set).field("waiting", &waiting).finish_non_exhaustive()
    }
}
