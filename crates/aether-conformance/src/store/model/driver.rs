//! Runs operations on a store and on the model, and compares their answers.

use std::collections::BTreeMap;

use aether_core::{
    ActorId, Commit, Event, Expected, Head, ReadFrom, RecordedEvent, SaveError, Saved, Version,
};
use futures_util::TryStreamExt;

use super::log::{Attempt, Log, Verdict};
use super::ops::{ACTORS, Expects, HANDLES, HeadOf, Op, PartOp, What};
use crate::store::Fixture;
use crate::store::support::{Fresh, Store, actor, event, v};

/// The ids of the actors: of one category, and as unlike as they can be.
const IDS: [&str; ACTORS] = ["order", "order-", "order-a.b *"];

/// Fails the operation unless `$left` is `$right`.
macro_rules! same {
    ($left:expr, $right:expr, $($what:tt)*) => {
        match (&$left, &$right) {
            (left, right) if left == right => {}
            (left, right) => {
                return Err(format!("{}: the store has {left:?}, the model {right:?}", format_args!($($what)*)));
            }
        }
    };
}

struct Driver {
    handles: Vec<Store>,
    actors: Vec<ActorId>,
    log: Log,
    attempts: Vec<Attempt>,
    last: Option<aether_core::Position>,
}

/// Runs the operations on a fresh storage; what the store did otherwise than the model.
pub(super) async fn run(fixture: &dyn Fixture, ops: &[Op]) -> Result<(), String> {
    let fresh = Fresh::open(fixture).await;
    let mut driver = Driver {
        handles: fresh.handles(HANDLES).await,
        actors: IDS.iter().map(actor).collect(),
        log: Log::default(),
        attempts: Vec::new(),
        last: None,
    };
    for (number, op) in ops.iter().enumerate() {
        driver.run(op).await.map_err(|error| format!("operation {}, {op:?}: {error}", number + 1))?;
    }
    for handle in 0..HANDLES {
        driver
            .compare(handle)
            .await
            .map_err(|error| format!("at the end, through handle {handle}: {error}"))?;
    }
    Ok(())
}

/// Text of any error.
fn text(error: impl std::fmt::Display) -> String {
    format!("an error: {error}")
}

fn events_of(recorded: &[RecordedEvent]) -> Vec<&Event> {
    recorded.iter().map(|recorded| &recorded.event).collect()
}

impl Driver {
    async fn run(&mut self, op: &Op) -> Result<(), String> {
        let handle = op.handle;
        match &op.what {
            What::Save(parts) => {
                let attempt = self.attempt(parts);
                self.attempts.push(attempt.clone());
                self.save(handle, &attempt).await
            }
            What::Resend { attempt } => match self.pick(*attempt) {
                Some(attempt) => self.save(handle, &attempt).await,
                None => Ok(()),
            },
            What::Overlap { attempt } => match self.pick(*attempt) {
                Some(mut attempt) => {
                    let last = &attempt.events[attempt.events.len() - 1];
                    let next = event(last.actor(), last.version().get() + 1);
                    attempt.events.push(next);
                    self.save(handle, &attempt).await
                }
                None => Ok(()),
            },
            What::Note { actor, on, again } => self.note(handle, *actor, *on, *again).await,
            What::Read { actor, from, backward } => self.read(handle, *actor, v(*from), *backward).await,
            What::Commits { actor, after } => self.commits(handle, *actor, *after).await,
            What::All { after, limit } => self.all(handle, *after, *limit).await,
            What::Confirm { actor, head } => {
                let actor = &self.actors[*actor];
                let head = self.head(actor, *head);
                let confirmed = self.handles[handle].raw().confirm(actor, head).await.map_err(text)?;
                same!(confirmed, head == self.log.head(actor), "confirming {head:?}");
                Ok(())
            }
            What::Category => {
                let actors = self.handles[handle].raw().get_actors("order", None, 99).await.map_err(text)?;
                same!(actors, self.log.actors(), "the actors");
                Ok(())
            }
        }
    }

    fn pick(&self, attempt: usize) -> Option<Attempt> {
        let attempts = &self.attempts;
        attempts.get(attempt.checked_rem(attempts.len())?).cloned()
    }

    fn head(&self, actor: &ActorId, which: HeadOf) -> Head {
        let commits = self.log.commits(actor);
        match which {
            HeadOf::Last => self.log.head(actor),
            // One before the first is none at all.
            HeadOf::Earlier(nth) => {
                let nth = nth % (commits.len() + 1);
                nth.checked_sub(1).map_or(Head::NONE, |nth| commits[nth].head)
            }
        }
    }

    fn attempt(&self, parts: &[PartOp]) -> Attempt {
        let mut attempt = Attempt { events: Vec::new(), terms: BTreeMap::new() };
        for part in parts {
            let actor = &self.actors[part.actor];
            if attempt.terms.contains_key(actor) {
                continue;
            }
            let current = self.log.version(actor);
            let mut version = (current + part.start).saturating_sub(1).max(1);
            attempt.events.push(event(actor, version));
            for step in &part.steps {
                version += step;
                attempt.events.push(event(actor, version));
            }
            let expected = match part.expects {
                Expects::Ascending => Expected::Ascending,
                Expects::Exact { below } => Expected::Exact(v(current.saturating_sub(below))),
                Expects::NoEvents => Expected::NoEvents,
                Expects::At(head) => Expected::At(self.head(actor, head)),
            };
            attempt.terms.insert(actor.clone(), (expected, part.note.map(|byte| vec![byte])));
        }
        // By turns, as far as it goes: the store has to part them.
        attempt.events.sort_by_key(|event| event.version());
        attempt
    }

    async fn save(&mut self, handle: usize, attempt: &Attempt) -> Result<(), String> {
        let answer = self.handles[handle].try_save(&attempt.commit()).await;
        match (self.log.judge(attempt), answer) {
            (Verdict::Stands, Ok(saved)) => {
                self.log.keep(attempt, &saved);
                for event in &attempt.events {
                    let actor = event.actor();
                    let head = saved.head_of(actor).ok_or(format!("the save says no head of {actor}"))?;
                    same!(head.version().get(), self.log.version(actor), "the version of {actor}");
                }
                self.moved_on(&saved)
            }
            (Verdict::StoodAlready(first), Ok(saved)) => {
                same!(saved, *first, "saved again");
                Ok(())
            }
            (Verdict::Conflicts(actors), Err(SaveError::VersionConflict(conflict))) => {
                same!(actors.contains(&conflict.actor), true, "{} conflicts", conflict.actor);
                same!(conflict.current.get(), self.log.version(&conflict.actor), "{conflict}");
                let first = attempt.events.iter().find(|event| *event.actor() == conflict.actor);
                same!(Some(conflict.attempted), first.map(Event::version), "{conflict}");
                Ok(())
            }
            (verdict, answer) => Err(format!("a save came to {answer:?}, but it {verdict:?}")),
        }
    }

    /// The positions of saves ascend.
    fn moved_on(&mut self, saved: &Saved) -> Result<(), String> {
        if self.last.is_some_and(|last| saved.position <= last) {
            return Err(format!("position {} does not come after {:?}", saved.position, self.last));
        }
        self.last = Some(saved.position);
        Ok(())
    }

    async fn note(&mut self, handle: usize, actor: usize, on: HeadOf, again: bool) -> Result<(), String> {
        let actor = self.actors[actor].clone();
        let head = self.head(&actor, on);
        let note = [7, 0, 7];
        let commit = Commit::note_only(&actor, head, &note);
        let answer = self.handles[handle].try_save(&commit).await;
        match (head == self.log.head(&actor), answer) {
            (true, Ok(saved)) => {
                same!(saved.version.get(), self.log.version(&actor), "the version after a note");
                self.log.keep_note(&actor, &note, &saved);
                self.moved_on(&saved)?;
                if again {
                    let other = (handle + 1) % HANDLES;
                    let second = self.handles[other].try_save(&commit).await.map_err(text)?;
                    same!(second, saved, "a note saved again");
                }
                Ok(())
            }
            (false, Err(SaveError::VersionConflict(conflict))) => {
                same!(conflict.current.get(), self.log.version(&actor), "{conflict}");
                Ok(())
            }
            (last, answer) => {
                Err(format!("a note came to {answer:?}, and that its head is the last is {last}"))
            }
        }
    }

    async fn read(&self, handle: usize, actor: usize, from: Version, backward: bool) -> Result<(), String> {
        let (actor, store) = (&self.actors[actor], self.handles[handle].raw());
        let mut expected = self.log.events(actor);
        let stream = if backward {
            expected.reverse();
            expected.retain(|event| event.version() <= from);
            store.get_events_backward(actor, from)
        } else {
            expected.retain(|event| event.version() >= from);
            store.get_events(actor, from)
        };
        let read: Vec<RecordedEvent> = stream.try_collect().await.map_err(text)?;
        same!(events_of(&read), expected, "the events of {actor}");
        Ok(())
    }

    async fn commits(&self, handle: usize, actor: usize, after: usize) -> Result<(), String> {
        let (actor, store) = (&self.actors[actor], self.handles[handle].raw());
        let kept = self.log.commits(actor);
        let skip = after % (kept.len() + 1);
        let head = skip.checked_sub(1).map_or(Head::NONE, |last| kept[last].head);
        let read: Vec<_> = store.get_commits(actor, head).try_collect().await.map_err(text)?;
        same!(read.len(), kept.len() - skip, "the number of commits of {actor} after {head:?}");
        for (read, kept) in read.iter().zip(&kept[skip..]) {
            same!(read.head, kept.head, "the head of a commit");
            same!(read.note.as_deref(), kept.note.as_deref(), "the note of a commit");
            same!(events_of(&read.events), kept.events.iter().collect::<Vec<_>>(), "the events of a commit");
        }
        Ok(())
    }

    async fn all(&self, handle: usize, after: usize, limit: usize) -> Result<(), String> {
        let store = self.handles[handle].raw();
        let all: Vec<RecordedEvent> =
            store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.map_err(text)?;
        same!(events_of(&all), self.log.all().iter().collect::<Vec<_>>(), "all events");
        let skip = after % (all.len() + 1);
        let from = skip.checked_sub(1).map_or(ReadFrom::Start, |last| ReadFrom::After(all[last].position));
        let page: Vec<RecordedEvent> = store.get_all(from, limit).try_collect().await.map_err(text)?;
        let end = all.len().min(skip + limit);
        same!(page, all[skip..end], "{limit} of all events from {from:?}");
        Ok(())
    }

    /// Compares everything.
    async fn compare(&self, handle: usize) -> Result<(), String> {
        for actor in 0..ACTORS {
            self.read(handle, actor, Version::ZERO, false).await?;
            self.read(handle, actor, Version::MAX, true).await?;
            self.commits(handle, actor, 0).await?;
            let head = self.handles[handle].raw().get_head(&self.actors[actor]).await.map_err(text)?;
            same!(head, self.log.head(&self.actors[actor]), "the head of {}", self.actors[actor]);
        }
        self.all(handle, 0, 3).await
    }
}
