//! A process manager whose processes and actors are here or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use aether_actor::event::DomainEvent;
use aether_actor::{
    ActorOptions, Answered, Cause, ConsumerOptions, ProcessManager, ProcessOptions, React, ReactContext,
    Reaction,
};
use aether_coordination::MemoryCoordination;
use aether_core::ActorId;
use aether_store_memory::MemoryEventStore;
use serde::{Deserialize, Serialize};

use super::joined::{Net, WITHIN, account};
use crate::account::{Account, AccountEvent, Balance, Deposit, Open, Withdraw};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DomainEvent)]
enum SavingEvent {
    Saved,
}

/// Puts what is withdrawn from an account into the savings.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Saving {
    saved: u32,
}

impl ProcessManager for Saving {
    const NAME: &'static str = "saving";
    type Event = SavingEvent;
    type Sources = (Account,);
    type Sends = ((Account, Deposit),);

    fn evolve(&mut self, _: &SavingEvent) {
        self.saved += 1;
    }

    fn answered(&self, answer: &Answered, _: &aether_actor::ProcessContext) -> Reaction<Self> {
        match answer.of::<Account, Deposit>() {
            Some(Ok(_)) => Reaction::event(SavingEvent::Saved),
            _ => Reaction::nothing(),
        }
    }
}

impl React<Account> for Saving {
    const EVENTS: Option<&'static [&'static str]> = Some(&["Withdrawn"]);

    fn key(_: &AccountEvent, cause: &Cause) -> Option<String> {
        Some(cause.key().to_owned())
    }

    fn react(&self, event: &AccountEvent, _: &ReactContext) -> Reaction<Self> {
        match event {
            AccountEvent::Withdrawn { cents } => {
                Reaction::nothing().send::<Account, _>("savings", Deposit { cents: *cents })
            }
            _ => Reaction::nothing(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_sends_to_wherever_its_actors_are() {
    let store = MemoryEventStore::new();
    let coordination = Arc::new(MemoryCoordination::new());
    let options = ProcessOptions::default()
        .consumer(ConsumerOptions::default().partitions(4).suspect_after(Duration::from_millis(600)));
    let (net, systems) = Net::join(&store, ActorOptions::default(), |builder| {
        builder.coordination(Arc::clone(&coordination) as _).process_with::<Saving>(options.clone())
    })
    .await;
    // The process with one, the savings with the other: whoever drives it, something is elsewhere.
    let (process, savings) = (ActorId::new("saving-ada").unwrap(), account("savings"));
    net.hand_over(&process, 1).await;
    for name in ["ada", "savings"] {
        systems[0].actor::<Account>(name).ask(Open { owner: name.into() }).await.unwrap();
    }
    systems[0].actor::<Account>("ada").ask(Deposit { cents: 100 }).await.unwrap();
    let deadline = tokio::time::Instant::now() + WITHIN;
    for n in 1..=10_u64 {
        systems[1].actor::<Account>("ada").ask(Withdraw { cents: 1 }).await.unwrap();
        if n == 5 {
            net.hand_over(&savings, 1).await;
            net.hand_over(&process, 0).await;
        }
        let saved = systems[n as usize % 2].actor::<Account>("savings");
        while saved.query(Balance).await.unwrap() < n {
            assert!(tokio::time::Instant::now() < deadline, "not saved within {WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(saved.query(Balance).await.unwrap(), n);
    }
    // Commands have gone both ways, and none of them twice.
    assert!(net.sent().iter().any(|delivery| !delivery.is_fresh()));
    assert_eq!(systems.each_ref().map(|system| system.live()), [2, 1]);
}
