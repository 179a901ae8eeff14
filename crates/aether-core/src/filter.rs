//! [`EventFilter`]: which events a reader wants.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{ActorId, Event, InvalidActorId};

/// A pattern for the actors whose events a reader wants.
///
/// Its text form is `*` for all of them, `order-*` for a category, and anything else for the one actor of that id.
///
/// ```
/// use aether_core::{ActorId, ActorPattern};
///
/// let orders: ActorPattern = "order-*".parse()?;
/// assert_eq!(orders, ActorPattern::category("order"));
/// assert!(orders.matches(&ActorId::new("order-123")?));
/// assert!(!orders.matches(&ActorId::new("orders-123")?));
/// # Ok::<(), aether_core::InvalidActorId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ActorPattern {
    /// All actors.
    #[default]
    All,
    /// The actors of one category: what comes before the first `-` of their ids. It has no dash itself.
    Category(String),
    /// One actor.
    Actor(ActorId),
}

impl ActorPattern {
    /// The actors of a category. A dash, and what follows it, is not part of a category and is left out.
    #[must_use]
    pub fn category(category: &str) -> Self {
        Self::Category(category.split('-').next().unwrap_or_default().to_owned())
    }

    /// Returns whether the pattern includes this actor.
    #[must_use]
    pub fn matches(&self, actor: &ActorId) -> bool {
        match self {
            Self::All => true,
            Self::Category(category) => actor.category() == category,
            Self::Actor(one) => one == actor,
        }
    }
}

impl FromStr for ActorPattern {
    type Err = InvalidActorId;

    /// An actor whose own id reads like a pattern is meant by [`ActorPattern::Actor`].
    fn from_str(text: &str) -> Result<Self, InvalidActorId> {
        if text == "*" {
            return Ok(Self::All);
        }
        match text.strip_suffix("-*").filter(|category| !category.contains('-')) {
            Some(category) => Ok(Self::category(category)),
            None => ActorId::new(text).map(Self::Actor),
        }
    }
}

impl fmt::Display for ActorPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Category(category) => write!(f, "{category}-*"),
            Self::Actor(actor) => actor.fmt(f),
        }
    }
}

/// A filter for the events that a reader wants, by actor and by type. The default matches all events.
///
/// ```
/// use aether_core::EventFilter;
///
/// let placed_or_paid = EventFilter::category("order").types(["OrderPlaced", "OrderPaid"]);
/// # let _ = placed_or_paid;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    actors: ActorPattern,
    types: Option<BTreeSet<String>>,
}

impl EventFilter {
    /// All events.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of a category of actors.
    #[must_use]
    pub fn category(category: &str) -> Self {
        Self::actors(ActorPattern::category(category))
    }

    /// The events of one actor.
    #[must_use]
    pub fn actor(actor: &ActorId) -> Self {
        Self::actors(ActorPattern::Actor(actor.clone()))
    }

    /// The events of these actors.
    #[must_use]
    pub fn actors(actors: ActorPattern) -> Self {
        Self { actors, types: None }
    }

    /// Only events of these types; of none, if there are none.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Returns the pattern for the actors.
    #[must_use]
    pub fn pattern(&self) -> &ActorPattern {
        &self.actors
    }

    /// Returns whether events of this type can match the filter.
    #[must_use]
    pub fn matches_type(&self, event_type: &str) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(event_type))
    }

    /// Returns whether the event matches the filter.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.actors.matches(event.actor()) && self.matches_type(event.event_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;

    #[test]
    fn a_pattern_is_read_from_its_text() {
        let parse = |text: &str| text.parse::<ActorPattern>().unwrap();
        assert_eq!(parse("*"), ActorPattern::All);
        assert_eq!(parse("order-*"), ActorPattern::Category("order".into()));
        assert_eq!(parse("-*"), ActorPattern::Category(String::new()));
        for literal in ["order", "order-1", "order-1-*", "order*"] {
            assert_eq!(parse(literal), ActorPattern::Actor(ActorId::new(literal).unwrap()));
        }
        assert!("".parse::<ActorPattern>().is_err());
        for text in ["*", "order-*", "order-1"] {
            assert_eq!(parse(text).to_string(), text);
        }
    }

    #[test]
    fn actors_and_types_must_both_match() {
        let event = |actor, kind: &'static str| {
            Event::new(&ActorId::new(actor).unwrap(), Version::new(1), kind, &()).unwrap()
        };
        let filter = EventFilter::category("order").types(["Placed"]);
        assert!(filter.matches(&event("order-1", "Placed")));
        assert!(!filter.matches(&event("order-1", "Paid")));
        assert!(!filter.matches(&event("invoice-1", "Placed")));
        assert!(EventFilter::all().matches(&event("invoice-1", "Placed")));
    }
}
