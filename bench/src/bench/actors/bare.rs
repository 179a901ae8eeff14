//! The baseline of commands: bare saves of the bytes that an actor saves for a command.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use aether_actor::CommandId;
use aether_core::{ActorId, Commit, Event, EventStore, Expected, Head, Version};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::order::OrderEvent;

/// Savers beside each other, each of which saves for its own actors and waits for every answer.
pub(crate) struct Savers {
    store: Arc<dyn EventStore>,
    savers: Vec<Vec<(ActorId, Head)>>,
}

/// An event that is ready to be saved, and the record of its command.
struct Ready {
    event: Event,
    note: Vec<u8>,
}

impl Savers {
    /// So many savers that share these actors, of a category whose name is as long as that of the orders.
    pub(crate) fn new(
        store: impl Into<Arc<dyn EventStore>>,
        savers: usize,
        actors: Range<usize>,
    ) -> anyhow::Result<Self> {
        let mut shares: Vec<Vec<_>> = (0..savers).map(|_| Vec::new()).collect();
        for n in actors {
            shares[n % savers].push((ActorId::new(format!("plain-{n}"))?, Head::NONE));
        }
        Ok(Self { store: store.into(), savers: shares })
    }

    /// Each saver saves so many events, in turn for its actors. Saves per second; making the events is not measured.
    pub(crate) fn rate(&mut self, runtime: &Runtime, saves_each: usize) -> anyhow::Result<f64> {
        let mut work = Vec::new();
        for actors in std::mem::take(&mut self.savers) {
            let mut ready = Vec::with_capacity(saves_each);
            for n in 0..saves_each {
                let (actor, head) = &actors[n % actors.len()];
                ready.push(Ready::new(actor, head.version().get() + (n / actors.len()) as u64 + 1)?);
            }
            work.push((actors, ready));
        }
        let took = runtime.block_on(async {
            let mut savers = JoinSet::new();
            let begun = Instant::now();
            for (mut actors, ready) in work {
                let store = Arc::clone(&self.store);
                savers.spawn(async move {
                    let count = actors.len();
                    for (n, ready) in ready.iter().enumerate() {
                        let head = &mut actors[n % count].1;
                        let commit = Commit::event(&ready.event).expecting(Expected::At(*head));
                        *head = store.save(&commit.with_note(&ready.note)).await?.head;
                    }
                    anyhow::Ok((actors, ready))
                });
            }
            let done = savers.join_all().await;
            let took = begun.elapsed();
            for saved in done {
                self.savers.push(saved?.0);
            }
            anyhow::Ok(took)
        })?;
        Ok((self.savers.len() * saves_each) as f64 / took.as_secs_f64())
    }
}

impl Ready {
    fn new(actor: &ActorId, version: u64) -> anyhow::Result<Self> {
        let command = CommandId::new();
        let (event_type, payload) = aether_actor::event::encode(&OrderEvent::placed())?;
        let event = Event::builder(actor, Version::new(version), event_type);
        let event = event.payload(payload).command_id(command).build()?;
        // The version of the form, the command, that it is done, and its reply after the length of that.
        let reply = version.to_string();
        let mut note = vec![1];
        note.extend_from_slice(command.uuid().as_bytes());
        note.push(0);
        note.extend_from_slice(&u16::try_from(reply.len())?.to_le_bytes());
        note.extend_from_slice(reply.as_bytes());
        Ok(Self { event, note })
    }
}
