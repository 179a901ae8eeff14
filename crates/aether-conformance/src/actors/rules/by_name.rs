//! By name: commands that come from elsewhere, as JSON.

use std::time::Duration;

use aether_actor::{Actor as _, ActorError, CommandId, Delivery, Outcome, Since};
use tokio::time::Instant;

use crate::actors::Fixture;
use crate::actors::support::{Add, Counter, OrFail, Total, World, actor, add};

fn delivery(id: CommandId) -> Delivery {
    Delivery::new(id, Since::Ever, Instant::now() + Duration::from_secs(30))
}

pub(crate) async fn a_command_is_sent_and_answered_once(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let system = world.system().await;
    let json = serde_json::to_vec(&Add { by: 3, tag: String::new() }).or_fail("encoding");
    let id = CommandId::new();
    for _ in 0..3 {
        let outcome = system.send(&actor("a"), "Add", &json, delivery(id)).await;
        assert_eq!(outcome.or_fail("sending"), Outcome::Done("3".into()));
    }
    let counter = system.actor::<Counter>("a");
    assert_eq!(counter.query(Total).await.or_fail("querying"), 3);
    assert_eq!(counter.ask(add(3)).id(id).await.or_fail("asking what was sent"), 3);
    let full =
        system.send(&actor("a"), "AddUpTo", br#"{"by":1,"limit":3}"#, delivery(CommandId::new())).await;
    assert_eq!(full.or_fail("sending"), Outcome::Refused(r#"{"TooMuch":{"total":4}}"#.into()));
    assert_eq!(world.events("a").await.len(), 1);
}

pub(crate) async fn what_is_not_known_is_told(fixture: &dyn Fixture) {
    let world = World::open(fixture).await;
    let system = world.system().await;
    let send = async |to, command, json: &'static [u8]| {
        let sent = system.send(to, command, json, delivery(CommandId::new())).await;
        sent.err().or_fail("sending what is not known")
    };
    let counter = actor("a");
    let stranger = aether_core::ActorId::new("stranger-1").or_fail("an id");
    assert_eq!(
        send(&counter, "Subtract", b"{}").await,
        ActorError::NotListed { category: Counter::CATEGORY, name: "Subtract".to_owned() }
    );
    assert_eq!(
        send(&stranger, "Add", b"{}").await,
        ActorError::NotRegistered { category: "stranger".to_owned() }
    );
    assert!(matches!(send(&counter, "Add", b"{").await, ActorError::Convert { .. }));
    assert!(world.commits("a").await.is_empty());
}
