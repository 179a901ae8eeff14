//! [`Net`]: which messages arrive, and when; [`Clock`]: a node's own time.

use std::collections::HashMap;
use std::time::Duration;

/// Where something is: a node, a client, or one of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(u8);

impl Place {
    pub(super) const KEYS: Self = Self(62);
    pub(super) const STORE: Self = Self(63);

    pub(super) fn node(number: usize) -> Self {
        Self(number as u8)
    }

    pub(super) fn client(number: usize) -> Self {
        Self(32 + number as u8)
    }

    pub(super) fn bit(self) -> u64 {
        1 << self.0
    }

    /// The number of the node, if it is one.
    pub(super) fn as_node(self) -> Option<usize> {
        (self.0 < 32).then_some(usize::from(self.0))
    }
}

/// Nothing gets from one side to the other.
#[derive(Debug)]
struct Cut {
    until: Duration,
    one: u64,
    other: u64,
    /// `true` if the other side can still be heard.
    one_way: bool,
}

#[derive(Debug, Default)]
pub(super) struct Net {
    cuts: Vec<Cut>,
    rough_until: Duration,
    /// When the last message arrives on each way: they do not overtake each other, unless it is rough.
    last: HashMap<(Place, Place), Duration>,
}

impl Net {
    pub(super) fn cut(&mut self, one: u64, other: u64, one_way: bool, until: Duration) {
        self.cuts.push(Cut { until, one, other, one_way });
    }

    pub(super) fn be_rough(&mut self, until: Duration) {
        self.rough_until = self.rough_until.max(until);
    }

    pub(super) fn heal(&mut self) {
        self.cuts.clear();
        self.rough_until = Duration::ZERO;
    }

    /// Returns whether a message gets from one place to another.
    pub(super) fn reaches(&self, from: Place, to: Place, now: Duration) -> bool {
        let (from, to) = (from.bit(), to.bit());
        !self.cuts.iter().any(|cut| {
            let forth = cut.one & from != 0 && cut.other & to != 0;
            let back = cut.one & to != 0 && cut.other & from != 0;
            cut.until > now && (forth || (back && !cut.one_way))
        })
    }

    /// When the copies of a message arrive; none if it is lost.
    pub(super) fn send(
        &mut self,
        from: Place,
        to: Place,
        now: Duration,
        random: &mut fastrand::Rng,
    ) -> Vec<Duration> {
        self.cuts.retain(|cut| cut.until > now);
        if !self.reaches(from, to, now) {
            return Vec::new();
        }
        if self.rough_until > now {
            let copies = match random.u8(..20) {
                0..3 => 0,
                3..5 => 2,
                _ => 1,
            };
            let delay = |random: &mut fastrand::Rng| {
                let most = if random.u8(..4) == 0 { 400_000 } else { 20_000 };
                now + Duration::from_micros(random.u64(200..most))
            };
            return (0..copies).map(|_| delay(random)).collect();
        }
        let last = self.last.entry((from, to)).or_default();
        *last = (now + Duration::from_micros(random.u64(150..2_500))).max(*last + Duration::from_nanos(1));
        vec![*last]
    }
}

/// A clock that runs too fast or too slowly, and that stands still while its machine is suspended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// At this true time it showed that.
    truly: Duration,
    shows: Duration,
    rate: f64,
}

impl Clock {
    pub(super) fn new(now: Duration, shows: Duration, rate: f64) -> Self {
        Self { truly: now, shows, rate }
    }

    /// What it shows at this true time.
    pub(super) fn at(&self, now: Duration) -> Duration {
        self.shows + now.saturating_sub(self.truly).mul_f64(self.rate)
    }

    /// The true time at which it shows this, rather late than early.
    pub(super) fn when(&self, shows: Duration) -> Duration {
        let span = shows.saturating_sub(self.shows).min(Duration::from_secs(1_000_000));
        self.truly + span.div_f64(self.rate) + Duration::from_micros(1)
    }

    /// It stands still from now until then.
    pub(super) fn suspend(&mut self, now: Duration, until: Duration) {
        *self = Self::new(until, self.at(now), self.rate);
    }
}
