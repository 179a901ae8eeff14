//! The log as events of actors: each case is an actor, and what happened to it are its events.

use std::collections::HashMap;

use aether::{ActorId, Event, Payload, Version};
use anyhow::{Context, Result, anyhow};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::source::Source;
use crate::xes::{Attributes, NAME, TIME, Trace, Xes};

/// The category of all actors: `case-17` is the case 17.
const CATEGORY: &str = "case";

/// The type of an event without a name that can be one.
const UNNAMED: &str = "event";

/// A whole log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
}

/// A case and its events: the version of each is its place in time, from 1.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) actor: ActorId,
    pub(crate) events: Vec<Event>,
}

/// What is known of an event before its place is.
struct Happening {
    at: OffsetDateTime,
    kind: String,
    data: Payload,
}

impl Log {
    /// Reads a log.
    pub(crate) fn read(source: &Source) -> Result<Self> {
        Self::parse(source).with_context(|| source.to_string())
    }

    fn parse(source: &Source) -> Result<Self> {
        let mut xes = Xes::new(source.open()?)?;
        let mut cases: Vec<(ActorId, Vec<Happening>)> = Vec::new();
        let mut places: HashMap<ActorId, usize> = HashMap::new();
        let mut number = 0;
        while let Some(Trace { name, events }) = xes.next_trace()? {
            number += 1;
            if events.is_empty() {
                continue;
            }
            // XES lets a trace go without a name; its place in the log is one too.
            let name = name.unwrap_or_else(|| format!("#{number}"));
            let actor = ActorId::new(format!("{CATEGORY}-{name}"))
                .with_context(|| format!("trace {number} has a name that cannot be used"))?;
            let happenings = events.into_iter().enumerate().map(|(index, attributes)| {
                happening(attributes).with_context(|| format!("{actor}, event {}", index + 1))
            });
            let happenings: Vec<Happening> = happenings.collect::<Result<_>>()?;
            // Traces of one name are one case.
            let place = *places.entry(actor.clone()).or_insert_with(|| {
                cases.push((actor, Vec::new()));
                cases.len() - 1
            });
            cases[place].1.extend(happenings);
        }
        let name = xes.name().map_or_else(|| source.name(), str::to_owned);
        let ids = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        let cases = cases.into_iter().map(|(actor, happenings)| case(ids, actor, happenings));
        Ok(Self { cases: cases.collect::<Result<_>>()?, name })
    }

    /// How many events there are.
    pub(crate) fn event_count(&self) -> usize {
        self.cases.iter().map(|case| case.events.len()).sum()
    }

    /// The events of all cases in the order in which they happened; the versions of each case ascend.
    pub(crate) fn into_time_order(self) -> Vec<Event> {
        let mut events: Vec<Event> = self.cases.into_iter().flat_map(|case| case.events).collect();
        // Stable, so that events of one moment stay in the order of the log.
        events.sort_by_key(Event::timestamp);
        events
    }
}

fn happening(attributes: Attributes) -> Result<Happening> {
    let text = |key: &str| attributes.get(key).and_then(|value| value.as_str());
    let at = text(TIME).ok_or_else(|| anyhow!("it has no {TIME}, so its place in the log is not known"))?;
    let at = read_time(at).ok_or_else(|| anyhow!("its {TIME} {at:?} is no date and time"))?;
    let fits = |name: &&str| (1..=Event::MAX_TYPE_LEN).contains(&name.len());
    let kind = text(NAME).filter(fits).unwrap_or(UNNAMED).to_owned();
    Ok(Happening { at, kind, data: Payload::json(&attributes)? })
}

/// A time of XML Schema, which may go without an offset: it is then in UTC.
fn read_time(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .ok()
}

/// The events of a case: its ids are made of log, case and index, so that they are the same whenever it is read.
fn case(log: Uuid, actor: ActorId, mut happenings: Vec<Happening>) -> Result<Case> {
    happenings.sort_by_key(|happening| happening.at);
    let event = |(index, happening): (usize, Happening)| {
        let id = Uuid::new_v5(&log, format!("{actor}/{index}").as_bytes());
        Event::builder(&actor, Version::new(index as u64 + 1), happening.kind)
            .id(id)
            .timestamp(happening.at)
            .payload(happening.data)
            .build()
    };
    let events = happenings.into_iter().enumerate().map(event).collect::<Result<_, _>>()?;
    Ok(Case { actor, events })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_same_whenever_it_is_read() {
        let (log, again) = (Log::read(&Source::Sample).unwrap(), Log::read(&Source::Sample).unwrap());
        assert_eq!(log.cases.len(), 12);
        assert_eq!(log.into_time_order(), again.into_time_order());
    }

    #[test]
    fn cases_interleave_and_each_is_in_order() {
        let events = Log::read(&Source::Sample).unwrap().into_time_order();
        assert!(events.is_sorted_by_key(Event::timestamp));
        let switches = events.windows(2).filter(|pair| pair[0].actor() != pair[1].actor()).count();
        assert!(switches > 12, "cases should interleave");
        let mut versions: HashMap<&ActorId, Version> = HashMap::new();
        for event in &events {
            let version = versions.entry(event.actor()).or_default();
            *version = version.next();
            assert_eq!(event.version(), *version);
        }
    }

    #[test]
    fn a_time_may_go_without_offset_and_fractions() {
        let expected = read_time("2026-01-02T03:04:05Z").unwrap();
        for text in ["2026-01-02T03:04:05", "2026-01-02T03:04:05.000+00:00", " 2026-01-02T04:04:05+01:00"] {
            assert_eq!(read_time(text), Some(expected), "{text}");
        }
        assert_eq!(read_time("yesterday"), None);
    }
}
