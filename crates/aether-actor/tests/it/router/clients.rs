//! Clients without a system.

use std::time::Duration;

use aether_actor::{ActorError, ActorRef, AskError, CommandId, Since};

use super::joined::{Net, account};
use crate::account::{Account, AccountError, Balance, Deposit, Open, Withdraw};

#[tokio::test]
async fn a_client_needs_no_system() {
    let (net, systems, _) = Net::two().await;
    // A process that acts for nobody.
    let router = net.router(2);
    let ada = ActorRef::<Account>::through(router, Duration::from_secs(10), "ada");
    assert_eq!(ada.id(), Some(&account("ada")));
    assert_eq!(ada.since(), Since::Ever);
    ada.ask(Open { owner: "Ada".into() }).await.unwrap();
    assert_eq!(ada.since(), Since::Commit(systems[0].sequence()));
    let id = CommandId::from_key("request-7");
    for at in [0, 1] {
        net.hand_over(&account("ada"), at).await;
        assert_eq!(ada.ask(Deposit { cents: 100 }).id(id).await.unwrap(), 100);
        let refused = ada.clone().ask(Withdraw { cents: 101 }).await;
        assert_eq!(refused, Err(AskError::Refused(AccountError::Overdrawn { by: 1 })));
        assert_eq!(ada.query(Balance).await.unwrap(), 100);
        assert_eq!(ada.query(Balance).linearizable().await.unwrap(), 100);
        ada.ask(Deposit { cents: 0 }).tell().await.unwrap();
    }
    // Sent again, as by a system: from what this caller has seen on.
    net.lose_replies(1);
    let since = ada.since();
    ada.ask(Deposit { cents: 1 }).await.unwrap();
    assert!(net.sent().iter().rev().take(2).all(|delivery| delivery.since == since));
}

#[tokio::test]
async fn a_client_waits_no_longer_than_it_says() {
    let (net, systems, _) = Net::two().await;
    net.cut();
    let ada = ActorRef::<Account>::through(net.router(2), Duration::from_millis(20), "ada");
    let asked = ada.ask(Open { owner: "Ada".into() }).await;
    assert!(matches!(asked, Err(AskError::Failed(ActorError::TimedOut { .. }))), "{asked:?}");
    let asked = ada.query(Balance).await;
    assert!(matches!(asked, Err(ActorError::TimedOut { .. })), "{asked:?}");
    // It cannot load what a transaction decides on.
    let transaction = systems[0].transaction((&ada,)).decide(|_| Ok::<_, AccountError>(())).await;
    let error = ActorError::NotRegistered { category: "account".into() };
    assert_eq!(transaction, Err(AskError::Failed(error)));
}

#[tokio::test]
async fn a_key_that_makes_no_id_is_said() {
    let (net, ..) = Net::two().await;
    let nobody = ActorRef::<Account>::through(net.router(2), Duration::from_secs(1), "x".repeat(1000));
    assert_eq!(nobody.id(), None);
    assert!(matches!(nobody.query(Balance).await, Err(ActorError::InvalidActor(_))));
}
