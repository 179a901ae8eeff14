//! [`ExecutedCommands`]: the outcomes of the latest commands, so that one that is sent again is not executed again.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::command_id::CommandId;
use crate::outcome::{Outcome, read_note, write_note};

/// The number of commits through which a command that is sent again is looked for.
pub(crate) const WINDOW: usize = 1024;

/// The outcomes of the commands of the commits after [`reach`](Self::reach), all of them.
///
/// They are few, and most commands are new, so looking one up goes through all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExecutedCommands {
    /// The sequence of the last commit of which nothing is remembered; 0 if everything is.
    reach: u64,
    /// Whether it was widened: then it stays so wide, up to the window.
    widened: bool,
    /// In the order of their commits.
    commands: VecDeque<(u64, CommandId, Outcome)>,
}

/// What is known of a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Known {
    /// It was executed, with this outcome.
    Executed(Outcome),
    /// It was not executed.
    New,
    /// The commits after the sequence that it names, up to what is remembered, have to be looked through first.
    Unclear,
}

impl ExecutedCommands {
    /// Nothing is remembered of the commits up to this sequence, and none is later.
    pub(crate) fn after(reach: u64) -> Self {
        Self { reach, ..Self::default() }
    }

    /// The sequence of the last commit of which nothing is remembered.
    pub(crate) fn reach(&self) -> u64 {
        self.reach
    }

    /// What is known of a command that cannot have been executed before the commit of sequence `since` or in it.
    pub(crate) fn look_up(&self, id: CommandId, since: u64) -> Known {
        match self.commands.iter().find(|(_, command, _)| *command == id) {
            Some((_, _, outcome)) => Known::Executed(outcome.clone()),
            None if self.reach <= since => Known::New,
            None => Known::Unclear,
        }
    }

    /// Takes in the outcomes of the commit that follows all that is remembered.
    pub(crate) fn add(&mut self, sequence: u64, outcomes: impl IntoIterator<Item = (CommandId, Outcome)>) {
        self.commands.extend(outcomes.into_iter().map(|(id, outcome)| (sequence, id, outcome)));
    }

    /// Takes in what was found by looking back to `since`, up to what is remembered.
    pub(crate) fn widen(&mut self, since: u64, earlier: Vec<(u64, CommandId, Outcome)>) {
        for command in earlier.into_iter().rev() {
            self.commands.push_front(command);
        }
        self.reach = self.reach.min(since);
        self.widened = true;
    }

    /// Forgets the oldest, so that `limit` remain; more, if it was widened, so that the next command of an old id need not
    /// read the log again. The outcomes of one commit stay together.
    pub(crate) fn forget(&mut self, limit: usize) {
        let limit = if self.widened { limit.max(WINDOW) } else { limit };
        while self.commands.len() > limit {
            let Some((sequence, ..)) = self.commands.pop_front() else { break };
            while self.commands.front().is_some_and(|(of, ..)| *of == sequence) {
                self.commands.pop_front();
            }
            self.reach = sequence;
        }
    }

    /// For snapshots: `limit` of them.
    pub(crate) fn to_stored(&self, limit: usize) -> StoredCommands {
        let mut latest = Self { widened: false, ..self.clone() };
        latest.forget(limit);
        let (mut sequences, mut outcomes) = (Vec::new(), Vec::new());
        for (sequence, id, outcome) in latest.commands {
            sequences.push(sequence);
            outcomes.push((id, outcome));
        }
        StoredCommands { reach: latest.reach, sequences, outcomes: STANDARD.encode(write_note(&outcomes)) }
    }

    /// From a snapshot; `None` if it cannot be read.
    pub(crate) fn from_stored(stored: &StoredCommands) -> Option<Self> {
        let outcomes = read_note(&STANDARD.decode(&stored.outcomes).ok()?.into()).ok()?;
        let mut recall = Self::after(stored.reach);
        for (sequence, outcome) in stored.sequences.iter().zip(outcomes) {
            recall.add(*sequence, [outcome]);
        }
        Some(recall)
    }
}

/// A [`ExecutedCommands`] in a snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredCommands {
    reach: u64,
    /// The sequences of the commits of the commands.
    sequences: Vec<u64>,
    /// The commands and their outcomes as in the note of a commit, in base64.
    outcomes: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Outcome {
        Outcome::Done("1".into())
    }

    #[test]
    fn what_is_remembered_decides_what_is_known() {
        let [a, b, c] = [CommandId::new(), CommandId::new(), CommandId::new()];
        let mut recall = ExecutedCommands::after(0);
        recall.add(5, [(a, done())]);
        recall.add(7, [(b, done())]);
        assert_eq!(recall.look_up(a, 0), Known::Executed(done()));
        assert_eq!(recall.look_up(c, 0), Known::New);
        recall.forget(1);
        assert_eq!(recall.reach(), 5);
        assert_eq!(recall.look_up(a, 0), Known::Unclear);
        assert_eq!(recall.look_up(c, 5), Known::New);
        assert_eq!(recall.look_up(c, 4), Known::Unclear);
        recall.widen(2, vec![(5, a, done())]);
        assert_eq!(recall.look_up(a, 2), Known::Executed(done()));
        assert_eq!(recall.look_up(c, 2), Known::New);
        assert_eq!(recall.look_up(c, 1), Known::Unclear);
    }

    #[test]
    fn the_commands_of_one_commit_are_forgotten_together() {
        let ids: Vec<_> = (0..3).map(|_| CommandId::new()).collect();
        let mut recall = ExecutedCommands::after(0);
        recall.add(5, [(ids[0], done()), (ids[1], done())]);
        recall.add(7, [(ids[2], done())]);
        recall.forget(2);
        assert_eq!(recall.reach(), 5);
        assert_eq!(recall.look_up(ids[1], 0), Known::Unclear);
        assert_eq!(recall.look_up(ids[2], 5), Known::Executed(done()));
    }

    #[test]
    fn a_recall_survives_its_snapshot() {
        let mut recall = ExecutedCommands::after(3);
        let ids = [CommandId::new(), CommandId::new(), CommandId::new()];
        recall.add(4, [(ids[0], done()), (ids[1], Outcome::Refused("\"n\"".into()))]);
        recall.add(9, [(ids[2], Outcome::DoneTooLarge)]);
        let json = serde_json::to_string(&recall.to_stored(10)).unwrap();
        let back = ExecutedCommands::from_stored(&serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!(back.commands, recall.commands);
        assert_eq!(back.reach, 3);
    }
}
