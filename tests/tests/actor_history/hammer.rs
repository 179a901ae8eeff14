//! Askers that put commands and queries to the same actors in two ways, as through two systems, and send commands again at
//! random.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aether_actor::{ActorError, ActorRef, ActorSystem, AskError, Command, CommandId, Handle};
use tokio::task::JoinSet;

use super::history::{Answered, Asked, Operation};
use super::list::{AnotherIsLast, Append, AppendAfter, List, Look, Peek, Sight};

/// How long somebody goes on sending a command again.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many ask, and how many actors they ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) askers: usize,
    pub(crate) actors: usize,
    /// How long an asker rests at most before it asks again.
    pub(crate) rest: Duration,
}

/// Askers at work.
#[derive(Debug)]
pub(crate) struct Hammer {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    askers: JoinSet<Done>,
}

/// What the askers did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) operations: Vec<Operation>,
    /// Commands that were sent in both ways at once, and answered in two ways.
    pub(crate) disagreed: u64,
}

impl Hammer {
    /// Starts them, through two systems.
    pub(crate) fn start(systems: &[ActorSystem; 2], load: Load, seed: u64) -> Self {
        Self::through(|_, actor| systems.each_ref().map(|system| system.actor(actor)), load, seed)
    }

    /// Starts them; each asker, by its number, has references of its own to each actor, in two ways.
    pub(crate) fn through(
        reference: impl Fn(usize, usize) -> [ActorRef<List>; 2],
        load: Load,
        seed: u64,
    ) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut askers = JoinSet::new();
        for number in 0..load.askers {
            let asker = Asker {
                number,
                actors: (0..load.actors).map(|actor| reference(number, actor)).collect(),
                rest: load.rest,
                random: fastrand::Rng::with_seed(seed.wrapping_add(number as u64)),
                last: HashMap::new(),
                next: 0,
                done: Done::default(),
            };
            askers.spawn(asker.run(Arc::clone(&stop), Arc::clone(&answered)));
        }
        Self { stop, answered, askers }
    }

    /// How much was answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Lets them finish what they are at.
    pub(crate) async fn stop(self) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Done::default();
        for done in self.askers.join_all().await {
            all.operations.extend(done.operations);
            all.disagreed += done.disagreed;
        }
        all
    }
}

struct Asker {
    number: usize,
    /// References of this asker's own, in both ways.
    actors: Vec<[ActorRef<List>; 2]>,
    rest: Duration,
    random: fastrand::Rng,
    /// What it saw last of each actor.
    last: HashMap<usize, u64>,
    /// How many numbers it has taken.
    next: u64,
    done: Done,
}

/// How a command is sent.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Once, and again only if there is no answer.
    Patient,
    /// Given up soon, and sent again.
    Hasty,
    /// In both ways at once.
    Twice,
}

impl Asker {
    async fn run(mut self, stop: Arc<AtomicBool>, answered: Arc<AtomicU64>) -> Done {
        while !stop.load(Ordering::Relaxed) {
            let actor = self.random.usize(..self.actors.len());
            self.operation(actor).await;
            answered.fetch_add(1, Ordering::Relaxed);
            if !self.rest.is_zero() {
                tokio::time::sleep(self.rest.mul_f64(self.random.f64())).await;
            }
        }
        self.done
    }

    async fn operation(&mut self, actor: usize) {
        match self.random.u8(..10) {
            0..=3 => {
                let number = self.number();
                self.command(actor, Asked::Append { number }, Append { number }).await;
            }
            4..=6 => {
                let number = self.number();
                let last = self.last.get(&actor).copied().unwrap_or(0);
                self.command(actor, Asked::AppendAfter { last, number }, AppendAfter { last, number }).await;
            }
            7 => self.command(actor, Asked::Look, Look).await,
            kind => self.peek(actor, kind == 8).await,
        }
    }

    /// A number that nobody else appends.
    fn number(&mut self) -> u64 {
        self.next += 1;
        (self.number as u64 + 1) << 32 | self.next
    }

    async fn peek(&mut self, actor: usize, linearizable: bool) {
        let system = self.random.usize(..2);
        let began = Instant::now();
        let peek = self.actors[actor][system].query(Peek);
        let answered = if linearizable { peek.linearizable().await } else { peek.await };
        let answered = answered.map_or_else(Answered::Failed, Answered::Seen);
        self.note(actor, system, Asked::Peek { linearizable }, CommandId::new(), answered, began, 1);
    }

    async fn command<C>(&mut self, actor: usize, asked: Asked, command: C)
    where
        C: Command + Copy,
        List: Handle<C, Reply = Sight>,
    {
        let (id, began) = (CommandId::new(), Instant::now());
        let manner = match self.random.u8(..4) {
            0 => Manner::Hasty,
            1 => Manner::Twice,
            _ => Manner::Patient,
        };
        let mut sent = 0;
        loop {
            let system = self.random.usize(..2);
            sent += 1;
            let references = &self.actors[actor];
            let ask = |system: usize| references[system].ask(command).id(id);
            let answered = match (manner, sent) {
                (Manner::Twice, 1) => {
                    sent += 1;
                    let both = tokio::join!(ask(system), ask(1 - system));
                    let [first, second] = [answer(both.0), answer(both.1)];
                    self.done.disagreed += u64::from(disagree(&first, &second));
                    // One of them may be of use where the other one is not.
                    if matches!(first, Answered::Failed(_)) { second } else { first }
                }
                (Manner::Hasty, 1) => {
                    let soon = Duration::from_micros(self.random.u64(..3_000));
                    if self.random.bool() {
                        answer(ask(system).within(soon).await)
                    } else {
                        match tokio::time::timeout(soon, ask(system)).await {
                            Ok(answered) => answer(answered),
                            Err(_) => Answered::Failed(ActorError::TimedOut { id }),
                        }
                    }
                }
                (_, 1) => answer(ask(system).first_attempt().await),
                _ => answer(ask(system).within(Duration::from_secs(5)).await),
            };
            let again = match &answered {
                Answered::Failed(error) => error.is_unknown() || error.is_retryable(),
                _ => false,
            };
            if !again || began.elapsed() > PATIENCE {
                self.note(actor, system, asked, id, answered, began, sent);
                return;
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of an operation")]
    fn note(
        &mut self,
        actor: usize,
        system: usize,
        asked: Asked,
        command: CommandId,
        answered: Answered,
        began: Instant,
        sent: u32,
    ) {
        if let Answered::Seen(sight) | Answered::Refused(AnotherIsLast(sight)) = &answered {
            self.last.insert(actor, sight.last);
        }
        let Some(id) = self.actors[actor][system].id() else { return };
        self.done.operations.push(Operation {
            asker: 2 * self.number + system,
            actor: id.clone(),
            command,
            asked,
            answered,
            began,
            ended: Instant::now(),
            sent,
        });
    }
}

fn answer(answered: Result<Sight, AskError<AnotherIsLast>>) -> Answered {
    match answered {
        Ok(sight) => Answered::Seen(sight),
        Err(AskError::Refused(refusal)) => Answered::Refused(refusal),
        Err(AskError::Failed(error)) => Answered::Failed(error),
        Err(_) => Answered::Failed(ActorError::Stopped),
    }
}

/// Whether the same command was answered in two ways.
fn disagree(first: &Answered, second: &Answered) -> bool {
    match (first, second) {
        (Answered::Seen(a), Answered::Seen(b)) => a != b,
        (Answered::Refused(a), Answered::Refused(b)) => a != b,
        (Answered::Failed(_), _) | (_, Answered::Failed(_)) => false,
        _ => true,
    }
}
