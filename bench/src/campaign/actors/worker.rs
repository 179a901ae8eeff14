//! A worker: a process of its own that runs the bank, and does what it is told. It goes on until its standard input is
//! closed.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aether_actor::{
    ActorError, ActorOptions, ActorSystem, AskError, EffectContext, HandleError, MemoryLimit, SnapshotPolicy,
    Store,
};
use aether_coordination::{NatsConfig, NatsCoordination};
use aether_store_jetstream::{JetStreamEventStore, JetStreamTimers, JetStreamTimersConfig};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::bank::{Account, AccountEvent, Carrier, Receipt, Refusal, Transfer};
use super::said::{Answer, Order, Said, Told, Way};
use crate::writers::{config, connect};

/// How long an order may take before it is not known what became of it.
const DEADLINE: Duration = Duration::from_secs(5);

/// Whether the next order that saves something is the last one.
static IS_LAST: AtomicBool = AtomicBool::new(false);

/// Runs the bank.
pub(crate) async fn run(urls: &[String], namespace: &str, replicas: usize) -> anyhow::Result<()> {
    let system = bank(urls, namespace, replicas).await?;
    say(&Said::Ready)?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let told: Told = serde_json::from_str(&line)?;
        let system = system.clone();
        tokio::spawn(async move {
            let answer = transfer(&system, &told.order, told.attempt).await;
            let is_last = told.last || IS_LAST.load(Ordering::Relaxed);
            IS_LAST.fetch_or(is_last, Ordering::Relaxed);
            if is_last && told.order.way == Way::Process && matches!(answer, Answer::Done { .. }) {
                // It is saved, and nobody hears of it: neither who asked, nor whoever sets the timer.
                std::process::abort();
            }
            let said = Said::Answered { id: told.order.id, attempt: told.attempt, answer };
            // If whoever listens is gone, this process is stopped too.
            let _ = say(&said);
        });
    }
    system.shutdown(Duration::from_secs(20)).await;
    Ok(())
}

/// The bank, as it runs in every worker.
pub(crate) async fn bank(urls: &[String], namespace: &str, replicas: usize) -> anyhow::Result<ActorSystem> {
    let client = connect(urls).await?;
    let config = config(namespace, replicas);
    let store: Arc<dyn Store> = Arc::new(JetStreamEventStore::create(client.clone(), config.clone()).await?);
    let timers = JetStreamTimersConfig::from(config).ack_wait(Duration::from_secs(5));
    let timers = JetStreamTimers::create(client.clone(), timers).await?;
    let bucket = NatsConfig::new("bank").namespace(namespace).replicas(replicas);
    let coordination = NatsCoordination::create(client, bucket).await?;
    // Few are kept in memory, and little is remembered, so that everything has to come from the log again and again.
    let options = ActorOptions::default().remember(8).snapshots(SnapshotPolicy::every(20));
    let system = ActorSystem::builder(store)
        .namespace(namespace)
        .coordination(Arc::new(coordination))
        .timers(Arc::new(timers))
        .effect::<Receipt>(hand_out)
        .actor_with::<Account>(options)
        .process::<Carrier>()
        .memory_limit(MemoryLimit::actors(100))
        .deadline(DEADLINE);
    Ok(system.start().await?)
}

/// Hands out a receipt; now and then only the second time.
async fn hand_out(receipt: Receipt, context: EffectContext) -> Result<(), HandleError> {
    if context.attempt == 1 && fastrand::u8(..20) == 0 {
        return Err(HandleError::retry("the printer is out of paper"));
    }
    let said = Said::Receipt { effect: context.id, transfer: receipt.transfer };
    say(&said).map_err(|error| HandleError::retry(error.to_string()))
}

async fn transfer(system: &ActorSystem, order: &Order, attempt: u32) -> Answer {
    match order.way {
        Way::Process => by_process(system, order, attempt).await,
        Way::Transaction => at_once(system, order).await,
    }
}

async fn by_process(system: &ActorSystem, order: &Order, attempt: u32) -> Answer {
    let Order { id: transfer, to, cents, .. } = *order;
    let from = system.actor::<Account>(order.from);
    let ask = from.ask(Transfer { transfer, to, cents }).id(order.command());
    answer(if attempt > 1 { ask.await } else { ask.first_attempt().await })
}

async fn at_once(system: &ActorSystem, order: &Order) -> Answer {
    let [from, to] = [order.from, order.to].map(|number| system.actor::<Account>(number));
    let (transfer, cents) = (order.id, order.cents);
    let moved = system.transaction((&from, &to)).id(order.command()).decide(|(from, to)| {
        if to.state().closed {
            return Err(Refusal::Closed);
        }
        let left = from.state().pay(cents)?;
        let signed = i64::try_from(cents).unwrap_or(i64::MAX);
        from.record(AccountEvent::Moved { transfer, cents: -signed });
        to.record(AccountEvent::Moved { transfer, cents: signed });
        Ok(left)
    });
    answer(moved.await)
}

fn answer(answered: Result<u64, AskError<Refusal>>) -> Answer {
    let error = match answered {
        Ok(left) => return Answer::Done { left },
        Err(AskError::Refused(refusal)) => return Answer::Refused(refusal),
        Err(AskError::Failed(error)) => error,
        Err(other) => return Answer::Failed(other.to_string()),
    };
    match error {
        ActorError::WindowPassed { .. } => Answer::WindowPassed,
        error if error.is_unknown() || error.is_retryable() => Answer::NotYet(error.to_string()),
        error => Answer::Failed(format!("{error:?}")),
    }
}

/// Says it. A line is written as a whole, so a killed worker leaves no half of one but at its very end.
fn say(said: &Said) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}
