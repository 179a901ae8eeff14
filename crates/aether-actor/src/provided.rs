//! Whether a system has what a decision declares; asked before anything is saved.

use aether_core::{ActorId, Timer, TimerId};
use time::OffsetDateTime;

use crate::decision::{Declared, When};
use crate::error::ActorError;
use crate::system::Provided;

/// A time that is later than any timer can be set to.
#[derive(Debug, thiserror::Error)]
#[error("a timer may be set to {} at the latest", Timer::LATEST)]
struct TooFarAhead;

impl Provided {
    /// Refuses what would be saved and never be done.
    pub(crate) fn check(
        &self,
        actor: &ActorId,
        declared: &[Declared],
        now: OffsetDateTime,
    ) -> Result<(), ActorError> {
        declared.iter().try_for_each(|declared| match declared {
            Declared::SetTimer { name, when, .. } => {
                self.timer(actor, name)?;
                is_in_reach(*when, now)
            }
            Declared::CancelTimer { name } => self.timer(actor, name),
            Declared::Effect { name, .. } if self.effects.contains(name) => Ok(()),
            Declared::Effect { name, .. } => Err(ActorError::NotProvided {
                what: format!("the effect {name}"),
                needs: "a handler for it: add `.effect::<…>(…)` to the builder",
            }),
        })
    }

    fn timer(&self, actor: &ActorId, name: &str) -> Result<(), ActorError> {
        if !self.timers {
            return Err(ActorError::NotProvided {
                what: format!("the timer {name:?}"),
                needs: "timers: add `.timers(…)` to the builder",
            });
        }
        TimerId::new(actor, name)
            .map(|_| ())
            .map_err(|error| ActorError::convert("the name of a timer", error))
    }
}

fn is_in_reach(when: When, now: OffsetDateTime) -> Result<(), ActorError> {
    let at = match when {
        When::At(at) => Some(at),
        When::After(after) => time::Duration::try_from(after).ok().and_then(|after| now.checked_add(after)),
    };
    match at {
        Some(at) if at <= Timer::LATEST => Ok(()),
        _ => Err(ActorError::convert("the time of a timer", TooFarAhead)),
    }
}
