//! Effects.

use std::sync::{Arc, Mutex};

use aether_actor::event::DomainEvent;
use aether_actor::{
    Actor, ActorError, ActorSystem, AskError, Command, CommandContext, CommandId, Decision, Effect,
    EffectContext, EffectHandler, Handle, HandleError, Never,
};
use aether_group::GroupAdmin;
use serde::{Deserialize, Serialize};

use super::world::{WITHIN, World, quick, until};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Effect)]
struct SendMail {
    to: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Effect)]
#[effect(name = "Pay")]
struct Payment {
    cents: u64,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Shop;

#[derive(Debug, Serialize, Deserialize, DomainEvent)]
enum ShopEvent {
    Bought,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Buy {
    cents: u64,
    mail: String,
}

#[derive(Debug, Serialize, Deserialize, Command)]
struct Mail(String);

impl Actor for Shop {
    const CATEGORY: &'static str = "shop";
    type Event = ShopEvent;
    type Error = Never;
    type Commands = (Buy, Mail);
    type Queries = ();

    fn evolve(&mut self, _: &ShopEvent) {}
}

impl Handle<Buy> for Shop {
    type Reply = ();

    fn decide(&self, buy: &Buy, _: &CommandContext) -> Result<Decision<Self>, Never> {
        let (payment, mail) = (Payment { cents: buy.cents }, SendMail { to: buy.mail.clone() });
        Ok(Decision::event(ShopEvent::Bought).effect(payment).effect(mail))
    }
}

impl Handle<Mail> for Shop {
    type Reply = ();

    fn decide(&self, mail: &Mail, _: &CommandContext) -> Result<Decision<Self>, Never> {
        Ok(Decision::nothing().effect(SendMail { to: mail.0.clone() }))
    }
}

type Failure = fn() -> HandleError;

/// Notes what it does, and fails as it is told to.
#[derive(Debug, Clone, Default)]
struct Outside {
    mails: Arc<Mutex<Vec<(SendMail, EffectContext)>>>,
    payments: Arc<Mutex<Vec<(Payment, EffectContext)>>>,
    failing: Arc<Mutex<Option<Failure>>>,
}

impl Outside {
    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().iter().map(|(mail, _)| mail.to.clone()).collect()
    }

    fn fail(&self, how: Option<Failure>) {
        *self.failing.lock().unwrap() = how;
    }
}

#[async_trait::async_trait]
impl EffectHandler<SendMail> for Outside {
    async fn perform(&self, mail: SendMail, context: EffectContext) -> Result<(), HandleError> {
        self.mails.lock().unwrap().push((mail, context));
        match *self.failing.lock().unwrap() {
            Some(failing) => Err(failing()),
            None => Ok(()),
        }
    }
}

async fn start(world: &World, outside: &Outside) -> ActorSystem {
    let payments = outside.payments.clone();
    let pay = move |payment: Payment, context: EffectContext| {
        payments.lock().unwrap().push((payment, context));
        async { Ok(()) }
    };
    let system = world.bare().actor::<Shop>();
    let system =
        system.effect_with::<SendMail>(outside.clone(), quick()).effect_with::<Payment>(pay, quick());
    system.start().await.unwrap()
}

/// A system whose mails go to this function.
pub(crate) async fn mailing(world: &World, send: Arc<SendFn>) -> ActorSystem {
    let send = move |mail: SendMail, _: EffectContext| {
        let sent = send(&mail.to).map_err(HandleError::unavailable);
        async { sent }
    };
    let system = world.bare().actor::<Shop>().effect_with::<SendMail>(send, quick());
    system.effect::<Payment>(async |_: Payment, _: EffectContext| Ok(())).start().await.unwrap()
}

type SendFn = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// Declares a mail.
pub(crate) async fn mail(system: &ActorSystem, shop: &str, to: &str) {
    system.actor::<Shop>(shop).ask(Mail(to.to_owned())).await.unwrap();
}

#[tokio::test]
async fn effects_are_done_once_the_decision_stands() {
    let (world, ..) = World::by_hand();
    let outside = Outside::default();
    let system = start(&world, &outside).await;
    let id = CommandId::new();
    let buy = Buy { cents: 5, mail: "ada".into() };
    let ask = async { system.actor::<Shop>("s").ask(buy).id(id).await.unwrap() };
    aether_core::Context::correlated("request-7").scope(ask).await;
    until("both are done", || outside.mails.lock().unwrap().len() == 1).await;
    until("both are done", || outside.payments.lock().unwrap().len() == 1).await;
    let log = world.log().await;
    let (mail, context) = outside.mails.lock().unwrap()[0].clone();
    assert_eq!(mail.to, "ada");
    assert_eq!((context.actor.as_str(), context.attempt), ("shop-s", 1));
    assert_eq!((context.id, context.recorded_at), (log[2].id(), log[2].recorded_at));
    assert_eq!((context.command_id, context.correlation_id.as_deref()), (Some(id), Some("request-7")));
    assert_eq!(outside.payments.lock().unwrap()[0].0, Payment { cents: 5 });
}

#[tokio::test]
async fn an_effect_comes_again_with_the_same_id() {
    let (world, ..) = World::by_hand();
    let outside = Outside::default();
    outside.fail(Some(|| HandleError::unavailable("no network")));
    let system = start(&world, &outside).await;
    system.actor::<Shop>("s").ask(Mail("ada".into())).await.unwrap();
    until("it was tried thrice", || outside.mails().len() >= 3).await;
    drop(system);
    outside.fail(None);
    let tried = outside.mails().len();
    let system = start(&world, &outside).await;
    until("another one has done it", || outside.mails().len() > tried).await;
    let ids: Vec<_> = outside.mails.lock().unwrap().iter().map(|(_, context)| context.id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    system.shutdown(WITHIN).await;
}

#[tokio::test]
async fn whoever_crashes_after_the_save_leaves_the_effect_to_others() {
    let (world, ..) = World::by_hand();
    // The handlers of this one are in another world, where nothing happens.
    let elsewhere = World { store: world.store.clone(), ..world.forgetful() };
    let stuck = Outside::default();
    stuck.fail(Some(|| HandleError::unavailable("crashing")));
    let system = start(&elsewhere, &stuck).await;
    for n in 0..10 {
        system.actor::<Shop>(n % 3).ask(Mail(format!("{n}"))).await.unwrap();
    }
    drop(system);
    let outside = Outside::default();
    let system = start(&world, &outside).await;
    until("all are done", || outside.mails().len() >= 10).await;
    let mut mails = outside.mails();
    mails.sort();
    assert_eq!(mails, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    system.shutdown(WITHIN).await;
}

#[tokio::test]
async fn what_is_given_up_parks_its_actor_alone() {
    let (world, ..) = World::by_hand();
    let outside = Outside::default();
    outside.fail(Some(|| HandleError::poison("no such address")));
    let system = start(&world, &outside).await;
    system.actor::<Shop>("s").ask(Mail("nobody".into())).await.unwrap();
    until("it was tried", || outside.mails() == ["nobody"]).await;
    outside.fail(None);
    system.actor::<Shop>("s").ask(Mail("ada".into())).await.unwrap();
    system.actor::<Shop>("t").ask(Mail("bob".into())).await.unwrap();
    until("others go on", || outside.mails() == ["nobody", "bob"]).await;
    let admin = GroupAdmin::new("effect-SendMail", world.store.clone(), world.coordination.clone());
    admin.skip(&aether_core::ActorId::new("shop-s").unwrap(), "no address", "me").await.unwrap();
    until("and it, when it is skipped", || outside.mails() == ["nobody", "bob", "ada"]).await;
    system.shutdown(WITHIN).await;
}

#[tokio::test]
async fn without_a_handler_nothing_is_saved() {
    let (world, ..) = World::by_hand();
    let outside = Outside::default();
    let system = world.bare().actor::<Shop>().effect_with::<SendMail>(outside.clone(), quick());
    let system = system.start().await.unwrap();
    let buy = Buy { cents: 5, mail: "ada".into() };
    let error = system.actor::<Shop>("s").ask(buy).await.unwrap_err();
    assert!(matches!(error, AskError::Failed(ActorError::NotProvided { .. })), "{error}");
    assert!(error.to_string().contains("the effect Pay"), "{error}");
    assert!(world.log().await.is_empty());
}
