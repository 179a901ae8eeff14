//! [`Heard`]: what was heard of each publisher, so that a gap is noticed and counted.

use std::collections::HashMap;
use std::sync::Arc;

use aether_core::Namespace;

use super::encoding;
use super::stamp::{Line, Stamp};

/// How many subjects, and how many publishers of each, are remembered.
const MAX_SUBJECTS: usize = 65_536;
const MAX_LINES: usize = 1024;

/// What was heard on the subjects of one subscription.
#[derive(Debug, Default)]
pub(super) struct Heard(HashMap<String, Subject, ahash::RandomState>);

/// What was heard on one subject.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) namespace: Arc<Namespace>,
    /// The last number of each line.
    lines: HashMap<Line, u64, ahash::RandomState>,
}

/// What a message tells by coming now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing is missing before it, as far as anybody can know.
    None,
    /// So many are missing before it.
    Missed(u64),
    /// Too much was heard to remember it all: whether something is missing cannot be told.
    Forgotten,
}

impl Heard {
    /// The subject, if it is one of a namespace.
    pub(super) fn subject(&mut self, prefix: &str, subject: &str) -> Option<&mut Subject> {
        if !self.0.contains_key(subject) {
            let namespace = Arc::new(encoding::namespace(prefix, subject)?);
            if self.0.len() >= MAX_SUBJECTS {
                self.0.clear();
            }
            self.0.insert(subject.to_owned(), Subject { namespace, lines: HashMap::default() });
        }
        self.0.get_mut(subject)
    }
}

impl Subject {
    /// Takes note of a message.
    pub(super) fn hear(&mut self, stamp: Stamp) -> Gap {
        if let Some(last) = self.lines.get_mut(&stamp.line) {
            // One that comes late, having been overtaken on another way through a cluster, has been counted as missed.
            let missed = stamp.number.saturating_sub(last.saturating_add(1));
            *last = stamp.number.max(*last);
            return if missed == 0 { Gap::None } else { Gap::Missed(missed) };
        }
        let full = self.lines.len() >= MAX_LINES;
        if full {
            self.lines.clear();
        }
        self.lines.insert(stamp.line, stamp.number);
        if full { Gap::Forgotten } else { Gap::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_for_each_publisher() {
        let mut heard = Heard::default();
        let mut hear = |origin, number| {
            let stamp = Stamp { line: Line { origin, epoch: 0 }, number };
            heard.subject("bus", "bus.a").unwrap().hear(stamp)
        };
        // What was before the first that is heard was before the subscription.
        assert_eq!(hear(1, 5), Gap::None);
        assert_eq!(hear(1, 6), Gap::None);
        assert_eq!(hear(2, 1), Gap::None);
        assert_eq!(hear(1, 10), Gap::Missed(3));
        assert_eq!(hear(1, 8), Gap::None);
        assert_eq!(hear(1, 11), Gap::None);
        assert_eq!(hear(2, 3), Gap::Missed(1));
    }

    #[test]
    fn it_says_when_it_has_forgotten() {
        let mut heard = Heard::default();
        let subject = heard.subject("bus", "bus.a").unwrap();
        for origin in 0..MAX_LINES as u64 {
            assert_eq!(subject.hear(Stamp { line: Line { origin, epoch: 0 }, number: 1 }), Gap::None);
        }
        let one_more = Stamp { line: Line { origin: u64::MAX, epoch: 0 }, number: 1 };
        assert_eq!(subject.hear(one_more), Gap::Forgotten);
    }

    #[test]
    fn a_subject_of_no_namespace_is_none() {
        assert!(Heard::default().subject("bus", "bus.%61").is_none());
    }
}
