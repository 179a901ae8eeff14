//! Queries of actors that are here or elsewhere.

use aether_actor::{ActorSystem, AskError};

use super::joined::{Net, account};
use crate::account::{Account, AccountError, AccountEvent, Balance, Deposit, Open, Withdraw};

#[tokio::test]
async fn a_query_elsewhere_is_answered_from_memory() {
    let (_net, systems, _) = Net::two().await;
    let refs = systems.each_ref().map(|system| system.actor::<Account>("ada"));
    refs[0].ask(Open { owner: "Ada".into() }).await.unwrap();
    refs[1].ask(Deposit { cents: 7 }).await.unwrap();
    for ada in &refs {
        assert_eq!(ada.query(Balance).await.unwrap(), 7);
        assert_eq!(ada.query(Balance).linearizable().await.unwrap(), 7);
    }
    assert_eq!((systems[0].live(), systems[1].live()), (1, 0));
}

/// A stranger, who knows of no router, is at work on the same actor.
#[tokio::test]
async fn a_linearizable_query_knows_what_strangers_did() {
    let (_net, systems, store) = Net::two().await;
    let refs = systems.each_ref().map(|system| system.actor::<Account>("ada"));
    refs[1].ask(Open { owner: "Ada".into() }).await.unwrap();
    let stranger = ActorSystem::builder(store).actor::<Account>().start().await.unwrap();
    for (n, ada) in refs.iter().enumerate() {
        let n = n as u64;
        assert_eq!(ada.query(Balance).await.unwrap(), n);
        stranger.actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap();
        // From memory it may be of a moment ago; that it is shows that it is from memory.
        assert_eq!(ada.query(Balance).await.unwrap(), n);
        assert_eq!(ada.query(Balance).linearizable().await.unwrap(), n + 1);
    }
}

/// What a caller has seen travels with its queries, and the answers with what they have seen.
#[tokio::test]
async fn no_answer_is_behind_what_its_caller_has_seen() {
    let (_net, systems, _) = Net::two().await;
    let [here, there] = systems.each_ref().map(|system| system.actor::<Account>("ada"));
    here.ask(Open { owner: "Ada".into() }).await.unwrap();
    for n in 1..=3 {
        // Saved by the second system, whose transactions are its own; the first, who acts for the actor, does not know.
        let transaction = systems[1].transaction((&there,));
        let deposited = transaction.decide(|(ada,)| {
            ada.record(AccountEvent::Deposited { cents: 1 });
            Ok::<_, AccountError>(ada.state().cents)
        });
        assert_eq!(deposited.await.unwrap(), n);
        assert_eq!(here.query(Balance).await.unwrap(), n - 1);
        assert_eq!(there.query(Balance).await.unwrap(), n);
        assert_eq!(here.query(Balance).await.unwrap(), n);
    }
    assert_eq!(systems[1].live(), 0, "a transaction leaves nothing in memory");
}

/// A process that does not act for an actor any more says nothing of it, whatever is still in its memory.
#[tokio::test]
async fn what_is_left_in_memory_answers_nothing() {
    let (net, systems, _) = Net::two().await;
    systems[0].actor::<Account>("ada").ask(Open { owner: "Ada".into() }).await.unwrap();
    net.give(&account("ada"), 1);
    systems[1].actor::<Account>("ada").ask(Deposit { cents: 7 }).await.unwrap();
    assert_eq!(systems[0].live(), 1);
    assert_eq!(systems[0].actor::<Account>("ada").query(Balance).await.unwrap(), 7);
}

#[tokio::test]
async fn what_was_answered_is_seen() {
    let (net, systems, store) = Net::two().await;
    let there = systems[1].actor::<Account>("ada");
    there.ask(Open { owner: "Ada".into() }).await.unwrap();
    let stranger = ActorSystem::builder(store).actor::<Account>().start().await.unwrap();
    stranger.actor::<Account>("ada").ask(Deposit { cents: 1 }).await.unwrap();
    // A refusal by one who has read what the stranger did.
    let refused = there.ask(Withdraw { cents: 2 }).await;
    assert_eq!(refused, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));
    // An old state, as that of a process whose memory was not evicted.
    net.hand_over(&account("ada"), 1).await;
    assert_eq!(there.query(Balance).await.unwrap(), 1);
}
