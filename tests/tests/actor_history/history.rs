//! What was asked and answered, held against the log: whether it is linearizable.
//!
//! An actor's log gives its commands one order, so nothing has to be searched for: each answer names the place in that
//! order at which it is true, and the places must agree with the times at which was asked and answered.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aether_actor::event::{UnknownEvents, decode_with};
use aether_actor::{ActorError, CommandId};
use aether_core::{ActorId, EventStore, Head};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::list::{AnotherIsLast, ListEvent, Sight};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Append {
        number: u64,
    },
    AppendAfter {
        last: u64,
        number: u64,
    },
    Look,
    /// A query; linearizable or not.
    Peek {
        linearizable: bool,
    },
}

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) enum Answered {
    Seen(Sight),
    Refused(AnotherIsLast),
    Failed(ActorError),
}

/// One question, from when it was put first to when it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Through whose reference the answer came: each asks one thing at a time.
    pub(crate) asker: usize,
    pub(crate) actor: ActorId,
    pub(crate) command: CommandId,
    pub(crate) asked: Asked,
    pub(crate) answered: Answered,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// How often it was sent.
    pub(crate) sent: u32,
}

/// What was found, counted. All fields but the first five must be 0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) operations: u64,
    pub(crate) sent_again: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) window_passed: u64,
    /// Acknowledged commands that are not in the log, or not recorded there.
    pub(crate) lost: u64,
    /// Commands that are in the log more than once.
    pub(crate) doubled: u64,
    /// Commands that were said not to have been executed, and are in the log.
    pub(crate) denied: u64,
    /// Answers that differ from what the log says about their place.
    pub(crate) wrong: u64,
    /// Refusals and conditional commands that should have been answered the other way.
    pub(crate) misjudged: u64,
    /// Answers whose place in the log contradicts the times of others.
    pub(crate) out_of_time: u64,
    /// Queries that went back behind what their asker had seen.
    pub(crate) went_back: u64,
}

impl Verdict {
    /// What must never happen.
    pub(crate) fn violations(&self) -> [(&'static str, u64); 7] {
        [
            ("acknowledged commands that are not in the log", self.lost),
            ("commands that are in the log more than once", self.doubled),
            ("commands in the log that were said not to be executed", self.denied),
            ("answers that differ from the log", self.wrong),
            ("false refusals and false consents", self.misjudged),
            ("answers at odds with the times of others", self.out_of_time),
            ("queries that went back behind what was seen", self.went_back),
        ]
    }

    /// Holds what was asked and answered against the logs in the store.
    pub(crate) async fn of(store: &dyn EventStore, operations: &[Operation]) -> Result<Self, String> {
        let mut verdict = Self::default();
        let mut by_actor: HashMap<&ActorId, Vec<&Operation>> = HashMap::new();
        for operation in operations {
            by_actor.entry(&operation.actor).or_default().push(operation);
        }
        for (actor, operations) in by_actor {
            let log = Log::read(store, actor).await?;
            verdict.judge(&log, &operations);
        }
        Ok(verdict)
    }

    fn judge(&mut self, log: &Log, operations: &[&Operation]) {
        self.operations += operations.len() as u64;
        self.doubled += log.doubled;
        let mut places = Vec::with_capacity(operations.len());
        for operation in operations {
            self.sent_again += u64::from(operation.sent > 1);
            let place = match operation.asked {
                Asked::Append { number } => self.append(log, operation, number, None),
                Asked::AppendAfter { last, number } => self.append(log, operation, number, Some(last)),
                Asked::Look | Asked::Peek { .. } => self.look(log, operation),
            };
            places.extend(place);
        }
        self.out_of_time += out_of_time(&mut places);
        self.went_back += went_back(log, operations);
    }

    /// A command that appends. Its place, if it has one.
    fn append(&mut self, log: &Log, operation: &Operation, number: u64, after: Option<u64>) -> Option<Place> {
        let stands = log.of_number.get(&number).copied();
        if let (Some(len), Some(last)) = (stands, after) {
            self.misjudged += u64::from(log.last_at(len - 1) != Some(last));
        }
        match &operation.answered {
            Answered::Seen(sight) => {
                let Some(len) = stands else {
                    self.lost += 1;
                    return None;
                };
                self.lost += u64::from(!log.commands.contains_key(&operation.command.uuid()));
                self.wrong += u64::from(*sight != Sight { len, last: number });
                Some(Place::write(operation, len))
            }
            Answered::Refused(AnotherIsLast(sight)) => {
                self.refused += 1;
                self.denied += u64::from(stands.is_some());
                self.misjudged += u64::from(after.is_none_or(|last| last == sight.last));
                self.sight(log, operation, *sight)
            }
            Answered::Failed(error) => {
                self.failed(error);
                self.denied += u64::from(stands.is_some() && !error.is_unknown() && operation.sent == 1);
                // Whoever was not answered may have been executed at any time since.
                stands.map(|len| Place { ended: None, ..Place::write(operation, len) })
            }
        }
    }

    fn look(&mut self, log: &Log, operation: &Operation) -> Option<Place> {
        match &operation.answered {
            Answered::Seen(sight) => self.sight(log, operation, *sight),
            Answered::Refused(_) => {
                self.misjudged += 1;
                None
            }
            Answered::Failed(error) => {
                self.failed(error);
                None
            }
        }
    }

    /// An answer that says what was there.
    fn sight(&mut self, log: &Log, operation: &Operation, sight: Sight) -> Option<Place> {
        self.wrong += u64::from(log.last_at(sight.len) != Some(sight.last));
        let place = Place::read(operation, sight.len);
        // A plain query may be of a moment ago; it only cannot be of the future.
        let stale = operation.asked == Asked::Peek { linearizable: false };
        Some(if stale { Place { began: None, ..place } } else { place })
    }

    fn failed(&mut self, error: &ActorError) {
        match error {
            ActorError::WindowPassed { .. } => self.window_passed += 1,
            _ => self.unanswered += 1,
        }
    }
}

/// Where in the order of an actor's commands an answer is true: even for the command that made the list so long, odd for
/// those who saw it so. And when it was asked and answered, as far as that binds it.
#[derive(Debug, Clone, Copy)]
struct Place {
    order: u64,
    /// `None`: it may be of any time before.
    began: Option<Instant>,
    /// `None`: it may be of any time since.
    ended: Option<Instant>,
}

impl Place {
    fn write(operation: &Operation, len: u64) -> Self {
        Self { order: 2 * len, began: Some(operation.began), ended: Some(operation.ended) }
    }

    fn read(operation: &Operation, len: u64) -> Self {
        Self { order: 2 * len + 1, ..Self::write(operation, len) }
    }
}

/// How many were asked only after something had been answered whose place is behind theirs.
fn out_of_time(places: &mut [Place]) -> u64 {
    places.sort_unstable_by_key(|place| std::cmp::Reverse(place.order));
    let mut earliest: Option<Instant> = None;
    let mut found = 0;
    for same in places.chunk_by(|a, b| a.order == b.order) {
        let late = |place: &&Place| place.began.zip(earliest).is_some_and(|(began, ended)| ended < began);
        found += same.iter().filter(late).count() as u64;
        earliest = same.iter().filter_map(|place| place.ended).chain(earliest).min();
    }
    found
}

/// How many queries saw less than their asker had seen before.
fn went_back(log: &Log, operations: &[&Operation]) -> u64 {
    let mut in_time = operations.to_vec();
    in_time.sort_by_key(|operation| operation.began);
    let mut seen: HashMap<usize, u64> = HashMap::new();
    let mut found = 0;
    for operation in in_time {
        let saw = match &operation.answered {
            Answered::Seen(Sight { len, .. }) | Answered::Refused(AnotherIsLast(Sight { len, .. })) => *len,
            Answered::Failed(_) => continue,
        };
        let seen = seen.entry(operation.asker).or_default();
        found += u64::from(matches!(operation.asked, Asked::Peek { .. }) && saw < *seen);
        *seen = saw.max(*seen).min(log.numbers.len() as u64);
    }
    found
}

/// An actor's log.
#[derive(Debug, Default)]
struct Log {
    numbers: Vec<u64>,
    /// How long the list was with each number.
    of_number: HashMap<u64, u64>,
    /// How often each command is recorded.
    commands: HashMap<Uuid, u64>,
    doubled: u64,
}

impl Log {
    async fn read(store: &dyn EventStore, actor: &ActorId) -> Result<Self, String> {
        let mut log = Self::default();
        let mut commits = store.get_commits(actor, Head::NONE);
        while let Some(commit) = commits.try_next().await.map_err(|error| error.to_string())? {
            for event in &commit.events {
                let decoded = decode_with(event, UnknownEvents::Fail).map_err(|error| error.to_string())?;
                for ListEvent::Appended { number } in decoded {
                    log.numbers.push(number);
                    let len = log.numbers.len() as u64;
                    log.doubled += u64::from(log.of_number.insert(number, len).is_some());
                }
            }
            for command in commands_in(commit.note.as_deref().unwrap_or_default()) {
                let times = log.commands.entry(command).or_default();
                *times += 1;
                log.doubled += u64::from(*times > 1);
            }
        }
        Ok(log)
    }

    /// The last number when the list was so long; `None` if it never was.
    fn last_at(&self, len: u64) -> Option<u64> {
        match len {
            0 => Some(0),
            _ => self.numbers.get(usize::try_from(len - 1).ok()?).copied(),
        }
    }
}

/// The ids of the commands in the note of a commit: read here anew, so that a mistake in the runtime's own reading shows.
pub(crate) fn commands_in(note: &[u8]) -> Vec<Uuid> {
    let mut commands = Vec::new();
    let mut rest = note.get(1..).unwrap_or_default();
    while let Some((head, tail)) = rest.split_at_checked(19) {
        commands.extend(Uuid::from_slice(&head[..16]));
        let len = usize::from(u16::from_le_bytes([head[17], head[18]]));
        rest = tail.get(len..).unwrap_or_default();
    }
    commands
}

/// The longest time in which nothing was answered.
pub(crate) fn longest_gap(operations: &[Operation]) -> Duration {
    let mut ends: Vec<Instant> = operations.iter().map(|operation| operation.ended).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}
