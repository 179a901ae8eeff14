//! [`Effect`] and [`EffectHandler`]: something to be done in the world, and how it is done.

use std::future::Future;

use aether_core::{ActorId, RecordedEvent};
use aether_group::HandleError;
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::command_id::CommandId;

/// Something to be done in the world because of a decision: a mail, a payment, a call. Derive it: `#[derive(Effect)]`.
///
/// A decision declares it ([`Decision::effect`](crate::Decision::effect)); it is saved with the events, and done by the
/// handler of its type once they stand: at least once, always with the same id, also after a crash.
pub trait Effect: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it is recorded: by default the name of the type.
    const NAME: &'static str;
}

/// What is known of an effect beside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectContext {
    /// What makes the effect the same one when it comes again, for whoever does it: the idempotency key of a request, the
    /// message id of a mail.
    pub id: Uuid,
    /// The actor whose decision it is.
    pub actor: ActorId,
    /// The command that led to it.
    pub command_id: Option<CommandId>,
    /// Which attempt this is, from 1 on, as far as this process has counted: another one may have tried before.
    pub attempt: u32,
    /// When the decision was saved, by the store's clock.
    pub recorded_at: OffsetDateTime,
    /// The conversation that it is part of.
    pub correlation_id: Option<String>,
}

impl EffectContext {
    /// The first attempt at an effect of an actor; for tests of handlers.
    #[must_use]
    pub fn new(id: Uuid, actor: ActorId, recorded_at: OffsetDateTime) -> Self {
        Self { id, actor, command_id: None, attempt: 1, recorded_at, correlation_id: None }
    }

    pub(super) fn of(event: &RecordedEvent, attempt: u32) -> Self {
        let metadata = event.metadata();
        Self {
            command_id: metadata.command_id.as_ref().and_then(|id| id.parse().ok()),
            attempt,
            correlation_id: metadata.correlation_id.clone(),
            ..Self::new(event.id(), event.actor().clone(), event.recorded_at)
        }
    }
}

/// How the effects of a type are done: an `async fn(E, EffectContext) -> Result<(), HandleError>`, or a type of its own that
/// holds what it needs.
///
/// It is called at least once for each effect, also after a crash and in another process; what it does once, it does by
/// [`EffectContext::id`], which is always the same.
///
/// ```
/// use aether_actor::{Effect, EffectContext, EffectHandler, HandleError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Effect)]
/// struct SendMail { to: String }
///
/// struct Mailer { from: String }
///
/// #[async_trait::async_trait]
/// impl EffectHandler<SendMail> for Mailer {
///     async fn perform(&self, mail: SendMail, context: EffectContext) -> Result<(), HandleError> {
///         println!("from {} to {}, once: {}", self.from, mail.to, context.id);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait EffectHandler<E: Effect>: Send + Sync + 'static {
    /// Does it.
    ///
    /// # Errors
    /// [`HandleError`] says whether it is tried again for some time, for as long as it takes, or not at all. Every other
    /// error becomes one by `?`: try again for some time. An actor whose effect was given up is parked: its later effects
    /// of this type wait until that is dealt with ([`GroupAdmin`](aether_group::GroupAdmin), group `effect-<name>`).
    ///
    /// # Cancel safety
    /// The future is dropped when the system is dropped, or does not stop within its deadline; then it is done again.
    async fn perform(&self, effect: E, context: EffectContext) -> Result<(), HandleError>;
}

#[async_trait]
impl<E, F, R> EffectHandler<E> for F
where
    E: Effect,
    F: Fn(E, EffectContext) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), HandleError>> + Send,
{
    async fn perform(&self, effect: E, context: EffectContext) -> Result<(), HandleError> {
        self(effect, context).await
    }
}
