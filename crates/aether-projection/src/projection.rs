//! [`Projection`]: what events make of views.

use std::borrow::Cow;

use aether_core::{EventFilter, RecordedEvent, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

/// What events make of views: pure, so that the same events always make the same views.
///
/// ```
/// use aether_core::RecordedEvent;
/// use aether_projection::{ApplyError, Keys, Projection};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Default, Serialize, Deserialize)]
/// struct Totals {
///     orders: u64,
///     cents: u64,
/// }
///
/// struct TotalsByCustomer;
///
/// #[derive(Deserialize)]
/// struct Placed {
///     customer: String,
///     cents: u64,
/// }
///
/// impl Projection for TotalsByCustomer {
///     type View = Totals;
///
///     fn name(&self) -> &str {
///         "totals_by_customer"
///     }
///
///     fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
///         match event.data::<Placed>() {
///             Ok(placed) => Keys::one(placed.customer),
///             Err(_) => Keys::none(),
///         }
///     }
///
///     fn apply(&self, _key: &str, view: &mut Totals, event: &RecordedEvent) -> Result<(), ApplyError> {
///         view.orders += 1;
///         view.cents += event.data::<Placed>()?.cents;
///         Ok(())
///     }
/// }
/// ```
pub trait Projection: Send + Sync + 'static {
    /// What is read. A view that no event has changed yet is the default.
    type View: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Its name: fixed, since what is kept of it is found by it.
    fn name(&self) -> &str;

    /// Which version of the code this is; 1 by default. Another version makes its views from the first event, beside
    /// those of the running one: count it up whenever the same events would make other views.
    fn version(&self) -> u32 {
        1
    }

    /// Which events it is about; all by default.
    fn filter(&self) -> EventFilter {
        EventFilter::all()
    }

    /// Which views the event changes; by default the one with the empty key, which is all there is.
    fn keys<'a>(&self, event: &'a RecordedEvent) -> Keys<'a> {
        let _ = event;
        Keys::one("")
    }

    /// Changes the view of this key by an event. Where several actors' events change one view, those of one actor come in
    /// their order; of different actors in any order, unless the projection runs in one partition.
    ///
    /// # Errors
    /// [`ApplyError`], and a panic as well, parks the event's actor: no view has seen the event then.
    fn apply(&self, key: &str, view: &mut Self::View, event: &RecordedEvent) -> Result<(), ApplyError>;
}

/// The keys of the views that an event changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys<'a>(SmallVec<[Cow<'a, str>; 1]>);

impl<'a> Keys<'a> {
    /// None: the event changes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One view.
    #[must_use]
    pub fn one(key: impl Into<Cow<'a, str>>) -> Self {
        Self(SmallVec::from_buf([key.into()]))
    }

    /// Several views; each is changed once, however often it is named.
    #[must_use]
    pub fn several<K: Into<Cow<'a, str>>>(keys: impl IntoIterator<Item = K>) -> Self {
        let mut found = SmallVec::<[Cow<'a, str>; 1]>::new();
        for key in keys.into_iter().map(Into::into) {
            if !found.contains(&key) {
                found.push(key);
            }
        }
        Self(found)
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &**key)
    }
}

/// Why an event cannot be applied. Any error becomes one by `?`.
#[derive(Debug)]
pub struct ApplyError(Source);

impl ApplyError {
    /// For a reason that is no error of somebody else.
    #[must_use]
    pub fn new(reason: impl Into<Source>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn into_source(self) -> Source {
        self.0
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for ApplyError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}
