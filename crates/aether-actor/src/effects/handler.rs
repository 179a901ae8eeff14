//! [`EffectHandler`]: how an effect is done.

use std::future::Future;

use aether_group::HandleError;
use async_trait::async_trait;

use crate::{Effect, EffectContext};

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
