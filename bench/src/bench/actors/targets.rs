//! What is asked of Aether's actors.

use std::hint::black_box;
use std::sync::Arc;

use aether_actor::{ActorOptions, ActorRef, ActorSystem, AskError, Store};

use super::asking::Target;
use super::order::{Cancel, Order, Place, Placed};

/// A system over this store.
pub(crate) async fn system(store: &Arc<dyn Store>, options: ActorOptions) -> anyhow::Result<ActorSystem> {
    Ok(ActorSystem::builder(Arc::clone(store)).actor_with::<Order>(options).start().await?)
}

/// A query.
pub(crate) struct Query(pub(crate) ActorRef<Order>);

impl Target for Query {
    async fn ask(&self) -> anyhow::Result<()> {
        black_box(self.0.query(Placed).await?);
        Ok(())
    }
}

/// A command that saves one event.
pub(crate) struct Saving(pub(crate) ActorRef<Order>);

impl Target for Saving {
    async fn ask(&self) -> anyhow::Result<()> {
        black_box(self.0.ask(Place).await?);
        Ok(())
    }
}

/// A command that is refused.
pub(crate) struct Refused(pub(crate) ActorRef<Order>);

impl Target for Refused {
    async fn ask(&self) -> anyhow::Result<()> {
        match self.0.ask(Cancel).await {
            Err(AskError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => anyhow::bail!("an order was cancelled"),
        }
    }
}
