//! [`Tally`]: how much has gone by, so that the difference of two says what was missed.

use crate::BusDelivery;

/// How much has been, or should have been, delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Events, also those that nobody can deliver any more.
    events: u64,
    /// Interruptions.
    interruptions: u64,
}

impl Tally {
    /// Counts what `delivery` stands for.
    pub(crate) fn add(&mut self, delivery: &BusDelivery) {
        match delivery {
            BusDelivery::Event(_) | BusDelivery::Undecodable(_) => self.events += 1,
            BusDelivery::Missed(events) => self.events = self.events.saturating_add(*events),
            BusDelivery::Interrupted => self.interruptions += 1,
        }
    }

    /// What has gone by since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            events: self.events.saturating_sub(before.events),
            interruptions: self.interruptions.saturating_sub(before.interruptions),
        }
    }

    /// The next thing to tell somebody who has missed all this.
    pub(crate) fn take_notice(&mut self) -> Option<BusDelivery> {
        if self.interruptions > 0 {
            self.interruptions = 0;
            return Some(BusDelivery::Interrupted);
        }
        match std::mem::take(&mut self.events) {
            0 => None,
            events => Some(BusDelivery::Missed(events)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_told_once() {
        let mut before = Tally::default();
        before.add(&BusDelivery::Missed(2));
        let mut now = before;
        now.add(&BusDelivery::Missed(5));
        now.add(&BusDelivery::Interrupted);
        now.add(&BusDelivery::Interrupted);
        let mut missed = now.since(before);
        assert!(matches!(missed.take_notice(), Some(BusDelivery::Interrupted)));
        assert!(matches!(missed.take_notice(), Some(BusDelivery::Missed(5))));
        assert!(missed.take_notice().is_none());
    }
}
