//! [`Liveness`]: who is heard. Pure.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

/// Whom a member hears, by the incarnations of all. Pure: the time of one's own clock goes in.
///
/// Members tell each other by [`Signals`](crate::Signals) that they are there, and hear themselves as well.
///
/// A member is at work only while it has heard, of itself, a pulse that it *sent* within the suspicion: one that wakes up
/// from a freeze, or whose connection was lost, counts as cut off until a pulse that it has sent since has made its way
/// through everything that had queued up for it. Whoever is cut off suspects nobody.
#[derive(Debug)]
pub struct Liveness {
    me: Uuid,
    pulse_every: Duration,
    suspect_after: Duration,
    /// When others were last heard.
    peers: HashMap<Uuid, Duration>,
    /// Who has said goodbye, and when.
    gone: HashMap<Uuid, Duration>,
    count: u64,
    /// The own pulses that may still be heard, and when they were sent.
    sent: VecDeque<(u64, Duration)>,
    /// When the newest own pulse that was heard had been sent.
    confirmed: Option<Duration>,
    next_pulse: Duration,
}

/// What a member says to let itself be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Counts the member's pulses.
    pub count: u64,
    /// Whether whoever hears it should answer at once.
    pub hello: bool,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Nothing new.
    Known,
    /// Somebody new.
    New,
    /// Oneself.
    Own,
}

impl Liveness {
    /// Nobody was heard yet.
    #[must_use]
    pub fn new(me: Uuid, pulse_every: Duration, suspect_after: Duration) -> Self {
        Self {
            me,
            pulse_every,
            suspect_after,
            peers: HashMap::new(),
            gone: HashMap::new(),
            count: 0,
            sent: VecDeque::new(),
            confirmed: None,
            next_pulse: Duration::ZERO,
        }
    }

    /// The next pulse, if it is time for it.
    pub fn pulse(&mut self, now: Duration) -> Option<Pulse> {
        if now < self.next_pulse {
            return None;
        }
        self.next_pulse = now + self.pulse_every;
        while self.sent.front().is_some_and(|(_, at)| now.saturating_sub(*at) > self.suspect_after) {
            self.sent.pop_front();
        }
        self.count += 1;
        self.sent.push_back((self.count, now));
        Some(Pulse { count: self.count, hello: self.confirmed.is_none() })
    }

    /// Somebody was heard.
    pub fn hear(&mut self, member: Uuid, Pulse { count, hello }: Pulse, now: Duration) -> Sound {
        if member == self.me {
            let Ok(index) = self.sent.binary_search_by_key(&count, |(count, _)| *count) else {
                return Sound::Known;
            };
            let sent = self.sent.drain(..=index).next_back().map(|(_, at)| at);
            let silence = sent.unwrap_or_default().saturating_sub(self.confirmed.unwrap_or_default());
            if silence > self.a_few_pulses() {
                // What was not heard of oneself was not heard of others either.
                self.reconnect(now);
            }
            self.confirmed = sent;
            return Sound::Own;
        }
        if self.gone.contains_key(&member) {
            return Sound::Known;
        }
        let known = self.peers.insert(member, now).is_some();
        if hello {
            // Let the newcomer know at once.
            self.next_pulse = Duration::ZERO;
        }
        if known { Sound::Known } else { Sound::New }
    }

    /// Somebody has said goodbye.
    pub fn goodbye(&mut self, member: Uuid, now: Duration) {
        self.peers.remove(&member);
        self.gone.insert(member, now);
        // Signals are in the order of each sender: late ones are rare, and never very late.
        let keep = self.suspect_after * 10;
        self.gone.retain(|_, at| now.saturating_sub(*at) < keep);
    }

    /// This member owns something, whether or not it was ever heard: it is suspected only when it keeps silent.
    pub fn note(&mut self, incarnation: Uuid, now: Duration) {
        if incarnation != self.me && !self.gone.contains_key(&incarnation) {
            self.peers.entry(incarnation).or_insert(now);
        }
    }

    /// Until when this member hears itself, if nothing more is heard of it; see [`is_connected`](Self::is_connected).
    #[must_use]
    pub fn connected_until(&self) -> Option<Duration> {
        self.confirmed.map(|at| at + self.patience())
    }

    fn patience(&self) -> Duration {
        self.suspect_after.saturating_sub(self.pulse_every)
    }

    /// Whether this member hears itself. It notices a pulse before the others do that it does not: they may have missed
    /// one more than it has.
    #[must_use]
    pub fn is_connected(&self, now: Duration) -> bool {
        self.connected_until().is_some_and(|until| now <= until)
    }

    /// This member was cut off, and others may have spoken unheard: all have their suspicion before them again. Those who
    /// were suspected already when it last heard itself are forgotten, until they are heard, or [noted](Self::note) since
    /// something is theirs.
    pub fn reconnect(&mut self, now: Duration) {
        let heard_until = self.confirmed.unwrap_or_default();
        self.peers.retain(|_, heard| heard_until.saturating_sub(*heard) <= self.suspect_after);
        self.peers.values_mut().for_each(|heard| *heard = now);
    }

    /// Who is not suspected, with oneself. Whoever has not heard itself of late suspects nobody.
    #[must_use]
    pub fn live(&self, now: Duration) -> BTreeSet<Uuid> {
        let deaf = now.saturating_sub(self.confirmed.unwrap_or_default()) > self.a_few_pulses();
        let heard =
            self.peers.iter().filter(|(_, at)| deaf || now.saturating_sub(**at) <= self.suspect_after);
        heard.map(|(incarnation, _)| *incarnation).chain([self.me]).collect()
    }

    /// Longer than it takes to hear oneself again when one pulse was lost.
    fn a_few_pulses(&self) -> Duration {
        self.pulse_every * 5 / 2
    }

    /// Forgets those who have been silent for long.
    pub fn forget(&mut self, now: Duration, owners: &BTreeSet<Uuid>) {
        let keep = self.suspect_after * 10;
        self.peers.retain(|incarnation, at| owners.contains(incarnation) || now.saturating_sub(*at) < keep);
    }

    /// The next pulse is due at this time, if it is not due before.
    pub fn hurry(&mut self, at: Duration) {
        self.next_pulse = self.next_pulse.min(at);
    }

    /// When the next pulse is due.
    #[must_use]
    pub fn next_pulse(&self) -> Duration {
        self.next_pulse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULSE: Duration = Duration::from_millis(500);
    const SUSPECT: Duration = Duration::from_secs(3);

    fn member(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn pulse(liveness: &mut Liveness, now: Duration) -> u64 {
        liveness.pulse(now).unwrap().count
    }

    fn of(count: u64) -> Pulse {
        Pulse { count, hello: false }
    }

    #[test]
    fn a_backlog_does_not_make_one_connected() {
        let mut liveness = Liveness::new(member(1), PULSE, SUSPECT);
        let old = pulse(&mut liveness, Duration::ZERO);
        // Frozen for ten seconds; the pulse of before comes in first.
        let now = Duration::from_secs(10);
        assert_eq!(liveness.hear(member(1), of(old), now), Sound::Own);
        assert!(!liveness.is_connected(now));
        let new = pulse(&mut liveness, now);
        assert_eq!(liveness.hear(member(1), of(new), now), Sound::Own);
        assert!(liveness.is_connected(now));
        assert!(liveness.is_connected(now + SUSPECT - PULSE));
        assert!(!liveness.is_connected(now + SUSPECT - PULSE + Duration::from_millis(1)));
    }

    #[test]
    fn the_silent_are_suspected_and_the_gone_are_gone() {
        let mut liveness = Liveness::new(member(1), PULSE, SUSPECT);
        assert_eq!(liveness.hear(member(2), of(1), Duration::ZERO), Sound::New);
        liveness.note(Uuid::from_u128(3), Duration::ZERO);
        let live = |liveness: &Liveness, now| liveness.live(now).len();
        // Deaf, it suspects nobody.
        assert_eq!(live(&liveness, SUSPECT + PULSE), 3);
        let count = pulse(&mut liveness, SUSPECT);
        liveness.hear(member(1), of(count), SUSPECT);
        liveness.peers.values_mut().for_each(|heard| *heard = Duration::ZERO);
        assert_eq!(live(&liveness, SUSPECT), 3);
        assert_eq!(live(&liveness, SUSPECT + PULSE), 1);
        liveness.reconnect(SUSPECT + PULSE);
        assert_eq!(live(&liveness, SUSPECT + PULSE), 3);
        // Whoever was suspected before this member was cut off does not come back with it.
        let mut dead = Liveness::new(member(1), PULSE, SUSPECT);
        dead.hear(member(2), of(1), Duration::ZERO);
        for now in [SUSPECT + PULSE, SUSPECT * 3] {
            let count = pulse(&mut dead, now);
            dead.confirmed = dead.confirmed.or(Some(now));
            dead.hear(member(1), of(count), now);
            assert_eq!(live(&dead, now), 1);
        }
        // But it may have claimed something meanwhile.
        dead.note(Uuid::from_u128(2), SUSPECT * 3);
        assert_eq!(live(&dead, SUSPECT * 3), 2);
        liveness.goodbye(member(2), SUSPECT);
        assert_eq!(liveness.hear(member(2), of(2), SUSPECT), Sound::Known);
        assert_eq!(live(&liveness, SUSPECT + PULSE), 2);
    }
}
