//! [`Faulty`]: a memory store with one fault.

use aether_core::{
    ActorId, ActorSnapshot, Commit, CommitStream, Event, EventStore, EventStream, Head, Position, SaveError,
    Saved, SnapshotError, SnapshotStore, Subscribe, Version, delegate_store,
};
use aether_store_memory::MemoryEventStore;
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde_json::Value;
use time::OffsetDateTime;

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Proves whatever it is asked to prove.
    ProvesEverything,
    /// Saves whatever the head is, above what is there.
    IgnoresHeads,
    /// Loses the notes of commits.
    ForgetsNotes,
    /// Acknowledges what it does not save.
    SavesNothing,
    /// Does not give back the last commit of an actor.
    ReadsBehind,
    /// Gives back all commits, whatever they are asked after.
    ReadsFromTheStart,
    /// Loses snapshots.
    ForgetsSnapshots,
    /// Gives back other states than those that were saved.
    SpoilsSnapshots,
    /// Says that everything was recorded just now.
    KeepsNoTime,
    /// Loses the metadata of events.
    ForgetsMetadata,
    /// Leaves a commit behind for every proof.
    ProvesByWriting,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) store: MemoryEventStore,
    pub(crate) fault: Fault,
}

impl Faulty {
    /// Saves events above whatever is there.
    async fn save_above(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        let saved = self.store.save(commit).await;
        let parts = commit.parts()?;
        let part = &parts[0];
        if saved.is_ok() {
            return saved;
        }
        let head = self.store.get_head(part.actor()).await?;
        let note = part.note().unwrap_or_default();
        if part.events().is_empty() {
            return self.store.save(&Commit::note_only(part.actor(), head, note)).await;
        }
        let mut version = head.version();
        let rebuilt = part.events().iter().map(|event| {
            version = version.next();
            let builder = Event::builder(event.actor(), version, event.event_type().to_owned());
            builder.payload(event.payload().clone()).build()
        });
        let events: Vec<Event> = rebuilt.collect::<Result<_, _>>()?;
        self.store.save(&Commit::events(&events).with_note(note)).await
    }
}

fn without_metadata(event: &Event) -> Event {
    let builder =
        Event::builder(event.actor(), event.version(), event.event_type().to_owned()).id(event.id());
    builder.payload(event.payload().clone()).timestamp(event.timestamp()).build().unwrap()
}

#[async_trait]
impl EventStore for Faulty {
    async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
        match self.fault {
            Fault::IgnoresHeads => self.save_above(commit).await,
            Fault::SavesNothing => {
                let parts = commit.parts()?;
                let before = self.store.get_head(parts[0].actor()).await?;
                let sequence = before.sequence() + 1;
                let head = Head::new(sequence, parts[0].version_after(before));
                Ok(Saved::new(head, Position::new(sequence, 0)))
            }
            _ => self.store.save(commit).await,
        }
    }

    async fn confirm(&self, actor: &ActorId, head: Head) -> Result<bool, SaveError> {
        match self.fault {
            Fault::ProvesEverything => Ok(true),
            Fault::ProvesByWriting => {
                let saved = self.store.save(&Commit::note_only(actor, head, &[1])).await;
                Ok(saved.is_ok())
            }
            _ => self.store.confirm(actor, head).await,
        }
    }

    fn get_events(&self, actor: &ActorId, from: Version) -> EventStream {
        let fault = self.fault;
        let spoil = move |mut event: aether_core::RecordedEvent| {
            match fault {
                Fault::KeepsNoTime => event.recorded_at = OffsetDateTime::now_utc(),
                Fault::ForgetsMetadata => event.event = without_metadata(&event.event),
                _ => {}
            }
            event
        };
        self.store.get_events(actor, from).map_ok(spoil).boxed()
    }

    fn get_commits(&self, actor: &ActorId, after: Head) -> CommitStream {
        match self.fault {
            Fault::ForgetsNotes => {
                let strip = |mut commit: aether_core::RecordedCommit| {
                    commit.note = None;
                    commit
                };
                self.store.get_commits(actor, after).map_ok(strip).boxed()
            }
            Fault::ReadsFromTheStart => self.store.get_commits(actor, Head::NONE),
            Fault::ReadsBehind => {
                let all_but_one =
                    self.store.get_commits(actor, after).collect::<Vec<_>>().map(|mut commits| {
                        commits.pop();
                        stream::iter(commits)
                    });
                all_but_one.flatten_stream().boxed()
            }
            _ => self.store.get_commits(actor, after),
        }
    }

    delegate_store!(self => self.store; get_head, get_events_backward, get_all, get_actors);
}

impl Subscribe for Faulty {
    delegate_store!(self => self.store; subscribe);
}

#[async_trait]
impl SnapshotStore for Faulty {
    async fn load_snapshot(&self, actor: &ActorId) -> Result<Option<ActorSnapshot>, SnapshotError> {
        let snapshot = self.store.load_snapshot(actor).await?;
        Ok(match self.fault {
            Fault::ForgetsSnapshots => None,
            Fault::SpoilsSnapshots => snapshot.map(|snapshot| {
                let mut state: Value = snapshot.state().unwrap();
                state["state"]["total"] = 1.into();
                let head = snapshot.head.unwrap();
                ActorSnapshot::new(actor, snapshot.version, &state).unwrap().with_head(head)
            }),
            _ => snapshot,
        })
    }

    delegate_store!(self => self.store; save_snapshot);
}
