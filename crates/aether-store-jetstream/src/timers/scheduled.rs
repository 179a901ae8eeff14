//! [`Subjects`]: the messages of a timer, and how it is read when it is due.

use std::hash::{DefaultHasher, Hash, Hasher};

use aether_core::{Timer, TimerId};
use async_nats::{HeaderMap, Message};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time at which the timer is due, in nanoseconds since 1970: the server does not send on its own header.
const AT: &str = "Aether-Timer-At";
/// The time, in seconds, that the trace of a cancellation stays if its process dies before removing it.
const TRACE: &str = "60";

/// The subjects of the stream with the timers: `<stream>.<what>.<category>.<key>.<name>.<hash>`.
#[derive(Debug)]
pub(super) struct Subjects {
    stream: String,
    due: String,
}

impl Subjects {
    pub(super) fn new(stream: &str) -> Self {
        Self { stream: stream.to_owned(), due: format!("{stream}.due.") }
    }

    /// The subject of all timers that are due.
    pub(super) fn all_due(&self) -> String {
        format!("{}>", self.due)
    }

    /// The subject of every message of one timer.
    pub(super) fn all_of(&self, timer: &TimerId) -> String {
        self.of("*", timer, "*")
    }

    /// The message that sets a timer: the same one in each process, and another one for another time or payload.
    pub(super) fn schedule(&self, timer: &Timer) -> (String, HeaderMap) {
        let mut hasher = DefaultHasher::new();
        (timer.at, &timer.payload).hash(&mut hasher);
        let hash = format!("{:x}", hasher.finish());
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Schedule", format!("@at {}", time_of(timer)));
        headers.insert("Nats-Schedule-Target", self.of("due", &timer.id, &hash));
        headers.insert(AT, timer.at.unix_timestamp_nanos().to_string());
        (self.of("set", &timer.id, &hash), headers)
    }

    /// A message that does nothing, but has a sequence.
    pub(super) fn cancellation(&self, timer: &TimerId) -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-TTL", TRACE);
        (self.of("cancel", timer, "0"), headers)
    }

    /// The timer that is due with this message; `None` if it is none of ours.
    pub(super) fn read(&self, message: &Message) -> Option<Timer> {
        let (id, _) = message.subject.strip_prefix(self.due.as_str())?.rsplit_once('.')?;
        let at = message.headers.as_ref()?.get(AT)?.as_str().parse().ok()?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(at).ok()?;
        Timer::new(TimerId::from_subject(id)?, at, message.payload.clone()).ok()
    }

    fn of(&self, what: &str, timer: &TimerId, hash: &str) -> String {
        let mut subject = format!("{}.{what}.", self.stream);
        timer.write_subject(&mut subject);
        subject.push('.');
        subject.push_str(hash);
        subject
    }
}

/// The time as the server reads it, which begins to count in 1970.
fn time_of(timer: &Timer) -> String {
    let at = timer.at.max(OffsetDateTime::UNIX_EPOCH);
    // What lies between 1970 and the latest time that a timer may have can be written.
    at.format(&Rfc3339).unwrap_or_default()
}

/// Returns the size of the headers in a message, in bytes.
pub(super) fn size(headers: &HeaderMap) -> usize {
    const FRAME: usize = "NATS/1.0\r\n\r\n".len();
    const EACH: usize = ": \r\n".len();
    let values = headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let sizes = values.map(|(name, value)| AsRef::<str>::as_ref(name).len() + value.as_str().len() + EACH);
    FRAME + sizes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aether_core::ActorId;
    use time::macros::datetime;

    fn timer(at: OffsetDateTime, payload: &'static str) -> Timer {
        let id = TimerId::new(&ActorId::new("order-1").unwrap(), "a.b").unwrap();
        Timer::new(id, at, payload).unwrap()
    }

    fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).unwrap().as_str()
    }

    #[test]
    fn another_time_or_payload_is_another_message() {
        let subjects = Subjects::new("S");
        let subject = |at, payload| subjects.schedule(&timer(at, payload)).0;
        let noon = datetime!(2030-01-01 12:00 UTC);
        assert_eq!(subject(noon, "x"), subject(noon, "x"));
        assert_ne!(subject(noon, "x"), subject(noon, "y"));
        assert_ne!(subject(noon, "x"), subject(noon + time::Duration::NANOSECOND, "x"));
        assert!(subject(noon, "x").starts_with("S.set.order.1.a%2Eb."));
        assert_eq!(subjects.all_of(&timer(noon, "x").id), "S.*.order.1.a%2Eb.*");
    }

    #[test]
    fn the_server_gets_a_time_that_it_can_count() {
        let schedule = |at| {
            let (_, headers) = Subjects::new("S").schedule(&timer(at, ""));
            header(&headers, "Nats-Schedule").to_owned()
        };
        assert_eq!(
            schedule(datetime!(2030-01-01 12:00:00.123456789 UTC)),
            "@at 2030-01-01T12:00:00.123456789Z"
        );
        assert_eq!(schedule(datetime!(-9999-01-01 0:00 UTC)), "@at 1970-01-01T00:00:00Z");
        assert_eq!(schedule(Timer::LATEST), "@at 2262-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_due_is_read_as_it_was_set() {
        let subjects = Subjects::new("S");
        let set = timer(datetime!(-9999-01-01 0:00 UTC), "payload");
        let (_, headers) = subjects.schedule(&set);
        let subject = header(&headers, "Nats-Schedule-Target").to_owned();
        let message = |subject: String, headers| Message {
            subject: subject.into(),
            reply: None,
            payload: set.payload.clone(),
            headers,
            status: None,
            description: None,
            length: 0,
        };
        assert_eq!(subjects.read(&message(subject.clone(), Some(headers.clone()))), Some(set.clone()));
        assert_eq!(subjects.read(&message(subject.clone(), None)), None);
        assert_eq!(subjects.read(&message(format!("{subject}.more"), Some(headers.clone()))), None);
        assert_eq!(subjects.read(&message(subject.replace(".due.", ".set."), Some(headers))), None);
    }
}
