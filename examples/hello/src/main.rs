//! The smallest actor: a host that counts its guests. Run it with `cargo run -p hello`.

use aether::{actor::*, event::DomainEvent, memory::MemoryEventStore};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, DomainEvent)]
enum HostEvent {
    Greeted,
}

#[derive(Serialize, Deserialize, Command)]
struct Greet(String);
#[derive(Default, Clone, Serialize, Deserialize)]
struct Host(u32);

impl Actor for Host {
    const CATEGORY: &'static str = "host";
    type Event = HostEvent;
    type Error = Never;
    type Commands = (Greet,);
    type Queries = ();
    fn evolve(&mut self, _: &HostEvent) {
        self.0 += 1;
    }
}

impl Handle<Greet> for Host {
    type Reply = String;
    fn decide(&self, Greet(name): &Greet, _: &CommandContext) -> Result<Decision<Self, String>, Never> {
        Ok(Decision::event(HostEvent::Greeted).reply(format!("Hello, {name}! You are guest {}.", self.0 + 1)))
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let system = ActorSystem::builder(MemoryEventStore::new()).actor::<Host>().start().await?;
    println!("{}", system.actor::<Host>("one").ask(Greet("World".to_owned())).await?);
    Ok(())
}
