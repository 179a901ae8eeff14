//! What a router asks of its system.

use std::time::Duration;

use aether_actor::{ActorError, CommandId, Delivery, Outcome, RemoteQuery, Since};
use tokio::time::Instant;

use super::joined::{Net, account};
use crate::account::{Account, Deposit, Open};

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn delivery(key: &str) -> Delivery {
    Delivery::new(CommandId::from_key(key), Since::Ever, deadline())
}

/// Of an attempt that none was before.
fn attempt(key: &str) -> Delivery {
    let mut first = delivery(key);
    first.recorded = false;
    first
}

/// Whether an answer can be found again is said of each.
#[tokio::test]
async fn it_is_said_what_stands_in_the_log() {
    let (_net, systems, _) = Net::two().await;
    let ada = account("ada");
    let run = async |name, data: &str, delivery| {
        systems[0].command_here(&ada, name, data.as_bytes(), delivery).await.unwrap()
    };
    let opened = run("Open", r#"{"owner":"Ada"}"#, attempt("a")).await;
    assert_eq!((&opened.outcome, opened.recorded), (&Outcome::Done("null".into()), true));
    assert_eq!(opened.sequence, systems[0].sequence());
    // Refused: only proved at first, recorded when it is sent again, and found the third time.
    let refused = Outcome::Refused(r#"{"Overdrawn":{"by":1}}"#.into());
    let first = run("Withdraw", r#"{"cents":1}"#, attempt("b")).await;
    assert_eq!((&first.outcome, first.recorded), (&refused, false));
    assert_eq!(first.sequence, opened.sequence);
    let second = run("Withdraw", r#"{"cents":1}"#, attempt("b").again()).await;
    assert_eq!((&second.outcome, second.recorded), (&refused, true));
    assert!(second.sequence > first.sequence);
    let third = run("Withdraw", r#"{"cents":1}"#, delivery("b")).await;
    assert_eq!(third, second);
    let again = run("Open", r#"{"owner":"Ada"}"#, delivery("a")).await;
    assert_eq!((again.outcome, again.recorded), (opened.outcome, true));
}

#[tokio::test]
async fn queries_by_name() {
    let (_net, systems, _) = Net::two().await;
    let ada = account("ada");
    let there = systems[1].actor::<Account>("ada");
    there.ask(Open { owner: "Ada".into() }).await.unwrap();
    there.ask(Deposit { cents: 7 }).await.unwrap();
    let mut query = RemoteQuery::new("Balance", "null", deadline());
    let told = systems[0].query_here(&ada, query.clone()).await.unwrap();
    assert_eq!((&told.answer[..], told.sequence), (&b"7"[..], systems[0].sequence()));
    // Whatever the router says, the second system answers too, and not from before what was seen.
    query.seen = told.sequence;
    assert_eq!(systems[1].query_here(&ada, query.clone()).await.unwrap(), told);
    query.linearizable = true;
    assert_eq!(systems[1].query_here(&ada, query.clone()).await.unwrap(), told);
    // What nobody can have seen is waited for until the deadline.
    query.seen = u64::MAX;
    query.deadline = Instant::now() + Duration::from_millis(50);
    let late = systems[0].query_here(&ada, query).await;
    assert!(matches!(late, Err(ActorError::TimedOut { .. } | ActorError::Expired)), "{late:?}");
}

#[tokio::test]
async fn what_is_not_known_here_is_said() {
    let (_net, systems, _) = Net::two().await;
    let query = |name: &'static str, data: &'static str| RemoteQuery::new(name, data, deadline());
    let error = systems[0].query_here(&account("ada"), query("Nope", "null")).await.unwrap_err();
    assert_eq!(error, ActorError::NotListed { category: "account", name: "Nope".into() });
    let error = systems[0].command_here(&account("ada"), "Nope", b"{}", delivery("a")).await.unwrap_err();
    assert_eq!(error, ActorError::NotListed { category: "account", name: "Nope".into() });
    let error = systems[0].query_here(&account("ada"), query("Balance", "7")).await.unwrap_err();
    assert!(matches!(error, ActorError::Convert { .. }), "{error}");
    let stranger = aether_core::ActorId::new("stranger-1").unwrap();
    let error = systems[0].query_here(&stranger, query("Balance", "null")).await.unwrap_err();
    assert_eq!(error, ActorError::NotRegistered { category: "stranger".into() });
}

#[tokio::test]
async fn a_command_by_name_finds_its_actor() {
    let (net, systems, _) = Net::two().await;
    let open = |delivery| systems[1].send(net_account(), "Open", br#"{"owner":"Ada"}"#, delivery);
    assert_eq!(open(delivery("a")).await.unwrap(), Outcome::Done("null".into()));
    assert_eq!(open(delivery("a")).await.unwrap(), Outcome::Done("null".into()));
    assert_eq!(open(delivery("b")).await.unwrap(), Outcome::Refused(r#""AlreadyOpen""#.into()));
    assert_eq!((systems[0].live(), systems[1].live(), net.sent().len()), (1, 0, 3));
    // And is run here if it is here.
    assert_eq!(
        systems[0].send(net_account(), "Open", br#"{"owner":"Ada"}"#, delivery("b")).await.unwrap(),
        Outcome::Refused(r#""AlreadyOpen""#.into())
    );
    assert_eq!(net.sent().len(), 3);
}

fn net_account() -> &'static aether_core::ActorId {
    static ADA: std::sync::LazyLock<aether_core::ActorId> = std::sync::LazyLock::new(|| account("ada"));
    &ADA
}
