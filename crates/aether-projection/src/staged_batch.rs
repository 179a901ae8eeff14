//! Applying a batch, beside the views as they stand: all of an event's changes, or none.

use std::collections::HashMap;

use aether_core::{RecordedEvent, Source};
use aether_group::{Batch, HandleError};
use aether_telemetry::panic::caught;
use aether_telemetry::span;

use crate::applied_positions::Parkings;
use crate::{ApplyError, Projection};

/// Views as a batch leaves them, by key.
pub(crate) type Staged<S> = HashMap<String, S, ahash::RandomState>;

/// Which event of a batch cannot be applied, and why.
#[derive(Debug)]
pub(crate) struct Unapplied {
    pub(crate) at: usize,
    pub(crate) why: Source,
}

impl Unapplied {
    /// The error for which the event's actor is parked.
    pub(crate) fn park(self, batch: &Batch, parkings: &Parkings) -> HandleError {
        if let Some(event) = batch.events.get(self.at) {
            parkings.parks(batch.partition, event);
        }
        HandleError::poison(self.why).at(self.at)
    }
}

/// What has become of a batch.
#[derive(Debug)]
pub(crate) struct Outcome<S, A> {
    /// The views that it has changed.
    pub(crate) staged: Staged<S>,
    /// What `admit` has made of the events.
    pub(crate) admitted: A,
    /// The event before which it ended.
    pub(crate) unapplied: Option<Unapplied>,
}

/// How events are applied to views of a kind of storage.
pub(crate) trait Stage {
    /// A view and what is kept with it.
    type Slot;
    /// What is kept beside all views.
    type Admitted: Clone;

    /// Returns whether an event is to be applied at all.
    fn admit(&self, admitted: &mut Self::Admitted, event: &RecordedEvent) -> bool;
    /// A copy of what the storage has.
    fn base(&self, key: &str) -> Self::Slot;
    /// Changes the copy.
    fn change(&self, slot: &mut Self::Slot, key: &str, event: &RecordedEvent) -> Result<(), ApplyError>;
}

/// Applies the events to copies, up to the first that fails: with that failure come the views as they were before it.
pub(crate) fn stage<P: Projection, T: Stage>(
    projection: &P,
    onto: &T,
    admitted: &T::Admitted,
    events: &[RecordedEvent],
) -> Outcome<T::Slot, T::Admitted> {
    let mut unapplied = None;
    let mut events = events;
    loop {
        match attempt(projection, onto, admitted.clone(), events) {
            Ok((staged, admitted)) => return Outcome { staged, admitted, unapplied },
            // A failure may have left views half changed: what is before it is applied anew.
            Err(failed) => {
                events = events.get(..failed.at).unwrap_or_default();
                unapplied = Some(failed);
            }
        }
    }
}

fn attempt<P: Projection, T: Stage>(
    projection: &P,
    onto: &T,
    mut admitted: T::Admitted,
    events: &[RecordedEvent],
) -> Result<(Staged<T::Slot>, T::Admitted), Unapplied> {
    let mut at = 0;
    let applying = || {
        let mut staged = Staged::<T::Slot>::default();
        for (index, event) in events.iter().enumerate() {
            at = index;
            if !onto.admit(&mut admitted, event) {
                continue;
            }
            let _span = span::apply(projection.name(), event).entered();
            for key in projection.keys(event).iter() {
                match staged.get_mut(key) {
                    Some(slot) => onto.change(slot, key, event)?,
                    None => {
                        let mut slot = onto.base(key);
                        onto.change(&mut slot, key, event)?;
                        staged.insert(key.to_owned(), slot);
                    }
                }
            }
        }
        Ok(staged)
    };
    // What a panic leaves behind is thrown away.
    match caught(applying) {
        Ok(Ok(staged)) => Ok((staged, admitted)),
        Ok(Err(error)) => Err(Unapplied { at, why: ApplyError::into_source(error) }),
        Err(message) => Err(Unapplied { at, why: format!("the projection panicked: {message}").into() }),
    }
}
