//! Resumes a recorded system of actors: loads it into a server, reads it, and lets everything that follows its events continue.

use std::path::Path;
use std::sync::Arc;

use aether_actor::{ActorSystem, AskError, CommandId};
use aether_core::{ActorId, EventStore, Position, RecordedEvent, Version};
use aether_group::Outcome;
use aether_projection::versions::KvViews;
use async_nats::Client;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::events::load_snapshots;
use crate::expected::read_json;
use crate::stream::{RawStream, call};
use crate::system::{Expected, Nats, WITHIN, account_id, deposit, join, texts, transact, until};
use crate::world::{Account, AccountError, Deposit, Look, Post, Turnover, Withdraw, account_options};

/// The part of a recording that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Everything,
    /// All but the bucket: everything that follows the events starts at the first one.
    WithoutBucket,
}

async fn load(client: &Client, dir: &Path, what: Load) -> (Nats, Expected) {
    let has_timers = client.is_server_compatible(2, 12, 0);
    let events = RawStream::read(&dir.join("events.jsonl"));
    let created = events.load(client).await;
    load_snapshots(client, &events, created, &dir.join("snapshots.jsonl")).await;
    if what == Load::Everything {
        RawStream::read(&dir.join("bucket.jsonl")).load(client).await;
    }
    if has_timers {
        RawStream::read(&dir.join("timers.jsonl")).load(client).await;
    }
    let nats = match what {
        Load::Everything => Nats::open(client, has_timers).await,
        Load::WithoutBucket => Nats::open_anew(client, has_timers).await,
    };
    (nats, read_json(&dir.join("expected.json")))
}

/// Checks that actors load, a group resumes, views continue, and then timers, effects and processes do.
pub(crate) async fn check(client: &Client, dir: &Path) {
    let (nats, expected) = load(client, dir, Load::Everything).await;
    actors_are_as_they_were(&nats, &expected).await;
    group_resumes(&nats, &expected).await;
    views_continue(&nats, &expected).await;
    everything_goes_on(client, &nats, &expected).await;
}

/// Checks that nothing is done twice if the bucket is lost and everything starts at the first event: processes derive the
/// same ids.
pub(crate) async fn check_anew(client: &Client, dir: &Path) {
    let (nats, expected) = load(client, dir, Load::WithoutBucket).await;
    let (post, _mails) = Post::new();
    let system = nats.system(post).await;
    unseen_transfer_is_made(&nats, &system, &expected).await;
    let _ = system.shutdown(WITHIN).await;
}

async fn actors_are_as_they_were(nats: &Nats, expected: &Expected) {
    let system = ActorSystem::builder(nats.store.clone()).actor_with::<Account>(account_options());
    let system = system.start().await.unwrap();
    let before = nats.log().await.len();
    for (key, (owner, cents, reminders, version)) in &expected.accounts {
        let (account, replayed) = system.actor::<Account>(key).query(Look).await.unwrap();
        assert_eq!((&account.owner, account.cents, &account.reminders), (owner, *cents, reminders), "{key}");
        assert_eq!(replayed, expected.beyond_snapshot[key], "the snapshot of {key} is not used");
        assert_eq!(nats.store.get_head(&account_id(key)).await.unwrap().version().get(), *version);
    }
    for (key, account, cents, reply) in &expected.deposits {
        let actor = system.actor::<Account>(account);
        let ask = actor.ask(Deposit { cents: *cents });
        assert_eq!(ask.id(CommandId::from_key(key)).await, Ok(*reply), "{key} is executed again");
    }
    for (key, account, cents, by) in &expected.refused {
        // By now it would be another sum.
        let actor = system.actor::<Account>(account);
        let ask = actor.ask(Withdraw { cents: *cents });
        let refused = AskError::Refused(AccountError::Overdrawn { by: *by });
        assert_eq!(ask.id(CommandId::from_key(key)).await, Err(refused), "{key}");
    }
    let (ada, bob) = (system.actor::<Account>("ada"), system.actor::<Account>("bob"));
    let (id, reply) = &expected.transaction;
    assert_eq!(transact(&system, &ada, &bob, id).await, *reply);
    assert_eq!(nats.log().await.len(), before, "something was executed again");
    transfers_are_as_they_were(nats, expected).await;
    let _ = system.shutdown(WITHIN).await;
}

async fn types_of(nats: &Nats, transfer: &str) -> Vec<String> {
    let actor = ActorId::new(format!("transfers-{transfer}")).unwrap();
    let log: Vec<RecordedEvent> = nats.store.get_events(&actor, Version::ZERO).try_collect().await.unwrap();
    log.iter().map(|event| event.event_type().to_owned()).collect()
}

async fn transfers_are_as_they_were(nats: &Nats, expected: &Expected) {
    for (transfer, types) in &expected.transfers {
        assert_eq!(types_of(nats, transfer).await, *types, "{transfer}");
    }
}

fn in_order(mut positions: Vec<String>) -> Vec<String> {
    let order = |text: &String| {
        let position: Position = text.parse().unwrap();
        (position.sequence(), position.index())
    };
    positions.sort_by_key(order);
    positions
}

async fn group_resumes(nats: &Nats, expected: &Expected) {
    let admin = nats.group().admin();
    let (actor, version, error) = &expected.parked;
    let parked = async || {
        let parked = admin.parked().await.unwrap();
        parked.iter().map(|parked| parked.actor.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(parked().await, std::slice::from_ref(actor));
    let actor_id = ActorId::new(actor).unwrap();
    let inspected = admin.inspect(&actor_id).await.unwrap().parked;
    assert_eq!((inspected.version.get(), &inspected.error), (*version, error));
    assert_eq!(inspected.position.to_string(), expected.waiting[0]);
    let queue: Vec<RecordedEvent> = admin.queue(&actor_id).await.unwrap().try_collect().await.unwrap();
    assert_eq!(texts(&queue), expected.waiting);
    let (skipped, reason, by) = &expected.skipped;
    let letters = admin.letters(&ActorId::new(skipped).unwrap()).await.unwrap();
    assert_eq!(letters.len(), 1);
    let Outcome::Skipped { reason: found, by: found_by, .. } = &letters[0].outcome else {
        panic!("not skipped: {letters:?}")
    };
    assert_eq!((found, found_by), (reason, by));

    let (member, handled) = join(nats, false).await;
    let last = nats.log().await.last().unwrap().position;
    timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    let seen = std::mem::take(&mut *handled.lock().unwrap());
    assert_eq!(in_order(texts(&seen)), in_order(expected.unhandled.clone()));
    assert_eq!(parked().await, std::slice::from_ref(actor));
    assert!(admin.resume(&actor_id).await.unwrap().is_done());
    let seen = std::mem::take(&mut *handled.lock().unwrap());
    assert_eq!(texts(&seen), expected.waiting);
    assert!(parked().await.is_empty());
    member.stop().await.unwrap();
}

async fn views_continue(nats: &Nats, expected: &Expected) {
    let views: KvViews<Turnover> = KvViews::new("turn.overs", nats.coordination.clone());
    assert_eq!(views.version().await.unwrap(), Some(2));
    let all = async || views.views().await.unwrap().into_iter().collect();
    assert_eq!(expected.views, all().await);
    let store = Arc::new(nats.store.clone());
    let projector = nats.versions(2).release(store, |builder| builder.partitions(2)).await.unwrap();
    let last = nats.log().await.last().unwrap().position;
    projector.wait_for(last, WITHIN).await.unwrap();
    projector.stop().await.unwrap();
    assert_eq!(expected.views_after, all().await);
    assert_ne!(expected.views, expected.views_after);
}

async fn everything_goes_on(client: &Client, nats: &Nats, expected: &Expected) {
    let (post, mut mails) = Post::new();
    let system = nats.system(post).await;
    for (id, to) in &expected.waiting_mails {
        let (mail, context) = timeout(WITHIN, mails.recv()).await.unwrap().unwrap();
        assert_eq!((&context.id.to_string(), &mail.to), (id, to));
    }
    if nats.timers.is_some() {
        let (soon, far) = &expected.timers;
        let reminders = until("the timer fires", async || {
            let (account, _) = system.actor::<Account>("ada").query(Look).await.unwrap();
            account.reminders.contains(soon).then_some(account.reminders)
        })
        .await;
        assert!(!reminders.contains(far));
        let body = json!({ "subjects_filter": "golden_events_timers.set.>" });
        let info: Value = call(client, "STREAM.INFO.golden_events_timers", &body).await;
        assert_eq!(info["state"]["subjects"].as_object().map(serde_json::Map::len), Some(1), "{info}");
    }
    unseen_transfer_is_made(nats, &system, expected).await;
    let id = account_id("ada");
    let (before, cents) = (nats.store.get_head(&id).await.unwrap(), ada_after(expected));
    let mut more = Expected::default();
    deposit(&system, &mut more, "a new one", "ada", 1).await;
    assert_eq!(more.deposits[0].3, cents + 1);
    assert_eq!(nats.store.get_head(&id).await.unwrap().version(), before.version().next());
    assert!(mails.try_recv().is_err(), "a mail was sent again");
    let _ = system.shutdown(WITHIN).await;
}

/// The balance of Ada once the unseen transfer is made.
fn ada_after(expected: &Expected) -> u64 {
    expected.accounts["ada"].1 - expected.unseen_transfer.3
}

/// The transfer that nobody had seen is made, and no other one again.
async fn unseen_transfer_is_made(nats: &Nats, system: &ActorSystem, expected: &Expected) {
    let (transfer, _, to, cents) = &expected.unseen_transfer;
    until("the transfer is made", async || {
        let types = types_of(nats, transfer).await;
        types.iter().any(|found| found == "TransferCompleted").then_some(())
    })
    .await;
    transfers_are_as_they_were(nats, expected).await;
    let cents_of =
        async |key: &str| system.actor::<Account>(key).query(Look).linearizable().await.unwrap().0.cents;
    assert_eq!(cents_of("ada").await, ada_after(expected));
    assert_eq!(cents_of(to).await, expected.accounts[to].1 + cents);
}
