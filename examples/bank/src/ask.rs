//! [`ask`]: puts a command to an account until there is an answer, and has it executed once.

use std::time::Duration;

use aether::actor::{ActorRef, AskError, Command, CommandId, Handle};
use anyhow::{Context, Result};
use tokio::time::Instant;

use crate::account::{Account, AccountError};

/// How long the store may be away.
const PATIENCE: Duration = Duration::from_secs(120);

/// The reply, or why the account refuses. What is sent again has the id that it had, so it is executed once.
pub(crate) async fn ask<C>(
    account: &ActorRef<Account>,
    command: &C,
) -> Result<Result<<Account as Handle<C>>::Reply, AccountError>>
where
    Account: Handle<C>,
    C: Command + Clone,
{
    let (id, since) = (CommandId::new(), account.since());
    let give_up = Instant::now() + PATIENCE;
    loop {
        match account.ask(command.clone()).id(id).since(since).await {
            Ok(reply) => return Ok(Ok(reply)),
            Err(AskError::Refused(why)) => return Ok(Err(why)),
            Err(AskError::Failed(error))
                if (error.is_retryable() || error.is_unknown()) && Instant::now() < give_up =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error).with_context(|| format!("{} of {:?}", C::NAME, account.id())),
        }
    }
}
