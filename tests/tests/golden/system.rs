//! A system of actors with all that follows their events: processes, timers, effects, groups and projections.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aether_actor::{ActorSystem, AskError, CommandId};
use aether_coordination::{NatsConfig, NatsCoordination};
use aether_core::{
    ActorId, Event, EventFilter, EventStore, EventStoreExt, ReadFrom, RecordedEvent, SnapshotStore, Version,
};
use aether_group::{ConsumerGroup, GroupBuilder, HandleError, Retry, each};
use aether_projection::KvModel;
use aether_projection::versions::KvVersions;
use aether_store_jetstream::{JetStreamConfig, JetStreamEventStore, JetStreamTimers};
use async_nats::Client;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::expected::write_json;
use crate::stream::RawStream;
use crate::world::{
    Account, AccountError, Deposit, Look, Open, Post, RemindAt, RequestTransfer, Turnover, Turnovers,
    Withdraw, actors,
};

/// The delay of the timer that is not far in the future.
const SOON: Duration = Duration::from_secs(10);
/// The longest that anything may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// The content that the recording expects of the system.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Expected {
    /// Owner, cents, reminders and version of each account, by key.
    pub(crate) accounts: BTreeMap<String, (String, u64, Vec<String>, u64)>,
    /// The number of events that the account has beyond its snapshot.
    pub(crate) beyond_snapshot: BTreeMap<String, u64>,
    /// Deposits that were executed: key of the command's id, account, cents, reply.
    pub(crate) deposits: Vec<(String, String, u64, u64)>,
    /// Withdrawals that were refused: key of the command's id, account, cents, by how much it would be overdrawn.
    pub(crate) refused: Vec<(String, String, u64, u64)>,
    /// The id of a transaction, and its reply.
    pub(crate) transaction: (String, u64),
    /// The events of each finished transfer's log, by its key.
    pub(crate) transfers: BTreeMap<String, Vec<String>>,
    /// A transfer that was requested, and that nobody has seen: key, from, to, cents.
    pub(crate) unseen_transfer: (String, String, String, u64),
    /// Ids and addressees of mails that could not be sent.
    pub(crate) waiting_mails: Vec<(String, String)>,
    /// The positions that the group has not handled, of actors that are not parked, in the order of the log.
    pub(crate) unhandled: Vec<String>,
    /// The parked actor, the version of the event that it is parked for, and the error.
    pub(crate) parked: (String, u64, String),
    /// The actor whose event was left out, with the reason, and by whom.
    pub(crate) skipped: (String, String, String),
    /// The positions of the parked actor's events, from the failed one on.
    pub(crate) waiting: Vec<String>,
    /// The views, as they were, by key.
    pub(crate) views: BTreeMap<String, Turnover>,
    /// The views with what was saved afterwards.
    pub(crate) views_after: BTreeMap<String, Turnover>,
    /// The names of timers of the account `ada`: one that is due soon after the recording, one that is far.
    pub(crate) timers: (String, String),
}

/// The store, the bucket and the timers of one connection.
pub(crate) struct Nats {
    pub(crate) store: JetStreamEventStore,
    pub(crate) coordination: Arc<NatsCoordination>,
    pub(crate) timers: Option<JetStreamTimers>,
}

fn config() -> JetStreamConfig {
    JetStreamConfig::new("events").namespace("golden")
}

fn groups() -> NatsConfig {
    NatsConfig::new("groups").namespace("golden")
}

impl Nats {
    async fn create(client: &Client) -> Self {
        Self {
            store: JetStreamEventStore::create(client.clone(), config()).await.unwrap(),
            coordination: Arc::new(NatsCoordination::create(client.clone(), groups()).await.unwrap()),
            timers: Some(JetStreamTimers::create(client.clone(), config()).await.unwrap()),
        }
    }

    /// Opens what was loaded; the streams must be as they are.
    pub(crate) async fn open(client: &Client, has_timers: bool) -> Self {
        let timers = match has_timers {
            true => Some(JetStreamTimers::open(client.clone(), config()).await.unwrap()),
            false => None,
        };
        Self {
            store: JetStreamEventStore::open(client.clone(), config()).await.unwrap(),
            coordination: Arc::new(NatsCoordination::open(client.clone(), groups()).await.unwrap()),
            timers,
        }
    }

    /// Opens what was loaded, with a new bucket.
    pub(crate) async fn open_anew(client: &Client, has_timers: bool) -> Self {
        NatsCoordination::create(client.clone(), groups()).await.unwrap();
        Self::open(client, has_timers).await
    }

    /// A system with everything, whose mails the post office sends.
    pub(crate) async fn system(&self, post: Post) -> ActorSystem {
        let builder = ActorSystem::builder(self.store.clone()).coordination(self.coordination.clone());
        let builder = post.with(actors(builder));
        match self.timers.clone() {
            Some(timers) => builder.timers_with(Arc::new(timers), crate::world::consumer()).start().await,
            None => builder.start().await,
        }
        .unwrap()
    }

    /// A group over the events of accounts.
    pub(crate) fn group(&self) -> GroupBuilder {
        let retry = Retry::default().delays(Duration::from_millis(10), Duration::from_millis(20));
        ConsumerGroup::builder("mailer", Arc::new(self.store.clone()), self.coordination.clone())
            .filter(EventFilter::category("account"))
            .partitions(4)
            .retry(retry)
    }

    pub(crate) async fn log(&self) -> Vec<RecordedEvent> {
        self.store.get_all(ReadFrom::Start, usize::MAX).try_collect().await.unwrap()
    }

    pub(crate) fn versions(&self, version: u32) -> KvVersions<Turnovers> {
        let model = KvModel::new(Turnovers(version), self.coordination.clone());
        KvVersions::new(model).retire_after(Duration::from_millis(1500))
    }
}

/// Waits until this is so.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WITHIN, found).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The owners whose accounts' first events a group cannot handle.
const POISON: [&str; 2] = ["Mallory", "Eve"];

/// Joins the group, whose handler fails with poison and tells of everything else, by position.
pub(crate) async fn join(
    nats: &Nats,
    poison: bool,
) -> (aether_group::Member, Arc<Mutex<Vec<RecordedEvent>>>) {
    let handled = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&handled);
    let handler = each(move |event: RecordedEvent, _| {
        let seen = Arc::clone(&seen);
        async move {
            let owner = event.data::<Open>().map(|opened| opened.owner);
            if poison && owner.is_ok_and(|owner| POISON.contains(&owner.as_str())) {
                return Err(HandleError::poison("poisoned by its owner"));
            }
            seen.lock().unwrap().push(event);
            Ok(())
        }
    });
    (nats.group().join(handler).await.unwrap(), handled)
}

pub(crate) fn texts<'a>(events: impl IntoIterator<Item = &'a RecordedEvent>) -> Vec<String> {
    events.into_iter().map(|event| event.position.to_string()).collect()
}

fn cents_of(event: &RecordedEvent) -> Option<u64> {
    matches!(event.event_type(), "Deposited.v2" | "Withdrawn").then(|| {
        let data: Value = event.data().unwrap();
        data["cents"].as_u64().unwrap()
    })
}

/// The views that the projection must make of a log, counted by hand.
fn turnovers(log: &[RecordedEvent]) -> BTreeMap<String, Turnover> {
    let mut views = BTreeMap::<String, Turnover>::new();
    for event in log {
        if let Some(cents) = cents_of(event) {
            let view = views.entry(event.actor().as_str().to_owned()).or_default();
            view.cents += cents;
            view.events += 1;
        }
    }
    views
}

/// Records a system at rest, in whose log is more than those who follow it have seen.
pub(crate) async fn record(client: &Client, dir: &Path) {
    let nats = Nats::create(client).await;
    let mut expected = Expected::default();
    before_the_program_grew(&nats).await;
    let (post, mut mails) = Post::new();
    let system = nats.system(post.clone()).await;
    live(&system, &mut expected).await;
    for _ in 0..4 {
        let _ = tokio::time::timeout(WITHIN, mails.recv()).await.unwrap().unwrap();
    }
    transfers(&nats, &system, &mut expected).await;
    follow(&nats, &mut expected).await;

    // From now on mails wait, and nobody makes views or is in the group.
    post.close();
    system.actor::<Account>("eve-2").ask(Open { owner: "Eve the second".into() }).await.unwrap();
    let (mail, context) = tokio::time::timeout(WITHIN, mails.recv()).await.unwrap().unwrap();
    expected.waiting_mails.push((context.id.to_string(), mail.to));
    let far = datetime!(2261-12-01 0:00 UTC);
    let soon = OffsetDateTime::now_utc() + SOON;
    let ada = system.actor::<Account>("ada");
    ada.ask(RemindAt { about: "the far future".into(), at: far }).await.unwrap();
    ada.ask(RemindAt { about: "soon".into(), at: soon }).await.unwrap();
    expected.timers = ("soon".to_owned(), "the far future".to_owned());
    until("the timers are set", async || {
        let info = crate::stream::call(client, "STREAM.INFO.golden_events_timers", &Value::Null).await;
        (info["state"]["messages"] == 2).then_some(())
    })
    .await;
    system.shutdown(WITHIN).await;

    // A system without anything that follows the events.
    let bare =
        ActorSystem::builder(nats.store.clone()).actor_with::<Account>(crate::world::account_options());
    let bare = bare.start().await.unwrap();
    let unseen = ("t-unseen".to_owned(), "ada".to_owned(), "bob".to_owned(), 7);
    let (transfer, to) = (unseen.0.clone(), unseen.2.clone());
    bare.actor::<Account>("ada").ask(RequestTransfer { transfer, to, cents: 7 }).await.unwrap();
    expected.unseen_transfer = unseen;
    deposit(&bare, &mut expected, "after everything", "mallory", 5).await;
    deposit(&bare, &mut expected, "after everything too", "bob", 6).await;
    accounts(&nats, &bare, &mut expected).await;
    bare.shutdown(WITHIN).await;
    for key in expected.accounts.keys() {
        expected.beyond_snapshot.insert(key.clone(), beyond_snapshot(&nats, key).await);
    }

    let log = nats.log().await;
    expected.views_after = turnovers(&log);
    let mallory = log.iter().filter(|event| event.actor().as_str() == "account-mallory");
    expected.waiting = texts(mallory);
    let handled: Vec<String> = std::mem::take(&mut expected.unhandled);
    let of_accounts = log.iter().filter(|event| event.actor().category() == "account");
    let others = of_accounts.filter(|event| event.actor().as_str() != "account-mallory");
    expected.unhandled = texts(others).into_iter().filter(|position| !handled.contains(position)).collect();
    // What proves a head, and marks what was deleted, is in the streams for a while.
    tokio::time::sleep(Duration::from_secs(3)).await;
    std::fs::create_dir_all(dir).unwrap();
    for (stream, file) in [
        ("golden_events", "events.jsonl"),
        ("golden_events_snapshots", "snapshots.jsonl"),
        ("golden_events_timers", "timers.jsonl"),
        ("KV_golden_groups", "bucket.jsonl"),
    ] {
        RawStream::export(client, stream).await.write(&dir.join(file));
    }
    write_json(&dir.join("expected.json"), &expected);
    // Whoever reads the recording, and be it at once, finds the timer due.
    tokio::time::sleep(SOON).await;
}

pub(crate) async fn deposit(
    system: &ActorSystem,
    expected: &mut Expected,
    key: &str,
    account: &str,
    cents: u64,
) {
    let ask = system.actor::<Account>(account).ask(Deposit { cents }).id(CommandId::from_key(key)).await;
    expected.deposits.push((key.to_owned(), account.to_owned(), cents, ask.unwrap()));
}

/// Events as an earlier version of the program has saved them: without notes, and one in its first version.
async fn before_the_program_grew(nats: &Nats) {
    let old = account_id("old");
    let opened = Event::new(&old, Version::new(1), "AccountOpened", &serde_json::json!({ "owner": "Old" }));
    let deposited = Event::new(&old, Version::new(2), "Deposited", &serde_json::json!({ "euros": 3 }));
    nats.store.save_events(&[opened.unwrap(), deposited.unwrap()]).await.unwrap();
}

/// Commands with ids: more than an actor remembers, and over more events than a snapshot is taken after.
async fn live(system: &ActorSystem, expected: &mut Expected) {
    for (key, owner) in [("ada", "Ada"), ("bob", "Bob"), ("mallory", "Mallory"), ("eve", "Eve")] {
        system.actor::<Account>(key).ask(Open { owner: owner.into() }).await.unwrap();
    }
    for number in 1..=10 {
        deposit(system, expected, &format!("deposit {number}"), "ada", 10 * number).await;
    }
    for (key, cents) in [("too much", 10_000), ("far too much", 99_999)] {
        let ask = system.actor::<Account>("ada").ask(Withdraw { cents }).id(CommandId::from_key(key)).await;
        let Err(AskError::Refused(AccountError::Overdrawn { by })) = ask else {
            panic!("not refused: {ask:?}")
        };
        expected.refused.push((key.to_owned(), "ada".to_owned(), cents, by));
    }
    deposit(system, expected, "one of mallory", "mallory", 1).await;
    deposit(system, expected, "one of eve", "eve", 2).await;
    let (ada, bob) = (system.actor::<Account>("ada"), system.actor::<Account>("bob"));
    let id = "a transaction".to_owned();
    let reply = transact(system, &ada, &bob, &id).await;
    expected.transaction = (id, reply);
}

pub(crate) async fn transact(
    system: &ActorSystem,
    ada: &aether_actor::ActorRef<Account>,
    bob: &aether_actor::ActorRef<Account>,
    id: &str,
) -> u64 {
    let transaction = system.transaction((ada, bob)).id(CommandId::from_key(id));
    let decided: Result<u64, AskError<AccountError>> = transaction
        .decide(|(from, to)| {
            from.record(crate::world::AccountEvent::Withdrawn { cents: 50 });
            to.record(crate::world::AccountEvent::Deposited { cents: 50 });
            Ok(to.state().cents)
        })
        .await;
    decided.unwrap()
}

/// One transfer that succeeds, and one that is refused.
async fn transfers(nats: &Nats, system: &ActorSystem, expected: &mut Expected) {
    for (transfer, cents, last) in [("t.1", 20, "TransferCompleted"), ("t 2", 90_000, "TransferRefused")] {
        let request = RequestTransfer { transfer: transfer.into(), to: "bob".into(), cents };
        system.actor::<Account>("ada").ask(request).await.unwrap();
        let log = until("the transfer is over", async || {
            let actor = ActorId::new(format!("transfers-{transfer}")).unwrap();
            let log = nats.store.get_events(&actor, Version::ZERO);
            let log: Vec<RecordedEvent> = log.try_collect().await.unwrap();
            log.iter().any(|event| event.event_type() == last).then_some(log)
        })
        .await;
        let types = log.iter().map(|event| event.event_type().to_owned()).collect();
        expected.transfers.insert(transfer.to_owned(), types);
    }
}

/// A group that parks two actors, one of which is let go on, and a projection in two versions.
async fn follow(nats: &Nats, expected: &mut Expected) {
    let (member, handled) = join(nats, true).await;
    let last = nats.log().await.last().unwrap().position;
    tokio::time::timeout(WITHIN, member.wait_for(last)).await.unwrap().unwrap();
    let admin = nats.group().admin();
    let eve = ActorId::new("account-eve").unwrap();
    let (reason, by) = ("her name".to_owned(), "Ada".to_owned());
    assert!(admin.skip(&eve, &reason, &by).await.unwrap().is_done());
    expected.skipped = ("account-eve".to_owned(), reason, by);
    member.stop().await.unwrap();
    let parked = admin.parked().await.unwrap();
    assert_eq!(parked.len(), 1);
    expected.parked = (parked[0].actor.as_str().to_owned(), 1, "poisoned by its owner".to_owned());
    // Until `record` has the whole log, this is what was handled; the event that was left out counts as such.
    let handled = std::mem::take(&mut *handled.lock().unwrap());
    expected.unhandled = texts(&handled);
    let first_of_eve = nats.log().await.into_iter().find(|event| *event.actor() == eve).unwrap();
    expected.unhandled.push(first_of_eve.position.to_string());
    for version in [1, 2] {
        let store = Arc::new(nats.store.clone());
        let projector = nats.versions(version).release(store, |builder| builder.partitions(2)).await.unwrap();
        let last = nats.log().await.last().unwrap().position;
        projector.wait_for(last, WITHIN).await.unwrap();
        projector.stop().await.unwrap();
    }
    expected.views = turnovers(&nats.log().await);
}

async fn accounts(nats: &Nats, system: &ActorSystem, expected: &mut Expected) {
    for key in ["ada", "bob", "mallory", "eve", "eve-2", "old"] {
        let (account, _) = system.actor::<Account>(key).query(Look).linearizable().await.unwrap();
        let version = nats.store.get_head(&account_id(key)).await.unwrap().version().get();
        expected.accounts.insert(key.into(), (account.owner, account.cents, account.reminders, version));
    }
}

/// The number of events that an account replays on top of its snapshot.
async fn beyond_snapshot(nats: &Nats, key: &str) -> u64 {
    let snapshot = nats.store.load_snapshot(&account_id(key)).await.unwrap();
    let from = snapshot.map_or(Version::ZERO, |snapshot| snapshot.version.next());
    let log: Vec<RecordedEvent> = nats.store.get_events(&account_id(key), from).try_collect().await.unwrap();
    log.iter().filter(|event| !event.event_type().starts_with("aether.")).count() as u64
}

pub(crate) fn account_id(key: &str) -> ActorId {
    ActorId::new(format!("account-{key}")).unwrap()
}
