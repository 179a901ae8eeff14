//! [`PerRecorder`]: handles that are made for whichever recorder is installed, whenever that is.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};

use super::table::{Kind, Metric};

/// Handles, for each recorder that they met; mostly that is one.
///
/// The facade gives handles that do nothing for as long as no recorder is installed, and they stay so. These look, at each
/// use, which recorder there is: a store that is opened before the recorder is installed counts all the same from then on.
/// Without a recorder that look is all that is done.
pub(crate) struct PerRecorder<T>(OnceLock<Box<Made<T>>>);

struct Made<T> {
    recorder: usize,
    handles: T,
    next: OnceLock<Box<Made<T>>>,
}

impl<T> PerRecorder<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The handles of the recorder that is installed, made at their first use; `None` if there is no recorder.
    pub(crate) fn get(&self, make: impl Fn(&Registry<'_>) -> T) -> Option<&T> {
        metrics::with_recorder(|recorder| {
            let address = address(recorder)?;
            let mut place = &self.0;
            loop {
                let made = place.get_or_init(|| {
                    let handles = make(&Registry(recorder));
                    Box::new(Made { recorder: address, handles, next: OnceLock::new() })
                });
                if made.recorder == address {
                    return Some(&made.handles);
                }
                place = &made.next;
            }
        })
    }
}

impl<T> fmt::Debug for PerRecorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerRecorder").finish_non_exhaustive()
    }
}

/// Where the recorder is, which tells it from others; `None` if it is the one that stands for none.
///
/// That one is a static of a type without size. A recorder without size that somebody has installed was boxed, and what is
/// boxed without size is at the address of its alignment, where no static can be.
fn address(recorder: &dyn Recorder) -> Option<usize> {
    let address = std::ptr::from_ref(recorder).cast::<()>().addr();
    let is_none = size_of_val(recorder) == 0 && address != align_of_val(recorder);
    (!is_none).then_some(address)
}

/// Whether there is a recorder.
pub(crate) fn is_installed() -> bool {
    metrics::with_recorder(|recorder| address(recorder).is_some())
}

/// Counts what is rare: the counter is looked up each time, so that what never happens is not there.
pub(crate) fn count(metric: &Metric, labels: &Labels, value: &str) {
    metrics::with_recorder(|recorder| {
        if address(recorder).is_some() {
            Registry(recorder).counter(metric, &labels.and(value)).increment(1);
        }
    });
}

/// Registers metrics with a recorder, and describes them.
pub(crate) struct Registry<'r>(&'r dyn Recorder);

impl Registry<'_> {
    pub(crate) fn counter(&self, metric: &Metric, labels: &Labels) -> Counter {
        describe_to(self.0, metric);
        self.0.register_counter(&labels.key(metric), &metadata())
    }

    pub(crate) fn gauge(&self, metric: &Metric, labels: &Labels) -> Gauge {
        describe_to(self.0, metric);
        self.0.register_gauge(&labels.key(metric), &metadata())
    }

    pub(crate) fn histogram(&self, metric: &Metric, labels: &Labels) -> Histogram {
        describe_to(self.0, metric);
        self.0.register_histogram(&labels.key(metric), &metadata())
    }
}

fn metadata() -> Metadata<'static> {
    Metadata::new("aether", Level::INFO, Some("aether"))
}

fn describe_to(recorder: &dyn Recorder, metric: &Metric) {
    let name = KeyName::from_const_str(metric.name);
    let unit = Some(if metric.unit == "seconds" { Unit::Seconds } else { Unit::Count });
    match metric.kind {
        Kind::Counter => recorder.describe_counter(name, unit, metric.meaning.into()),
        Kind::Gauge => recorder.describe_gauge(name, unit, metric.meaning.into()),
        Kind::Histogram => recorder.describe_histogram(name, unit, metric.meaning.into()),
    }
}

/// The values of a metric's labels, in the order of their names in the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Labels(Vec<String>);

impl Labels {
    /// The labels of what belongs to a namespace.
    pub(crate) fn new(namespace: Option<&str>, name: &str) -> Self {
        Self(vec![namespace.unwrap_or(super::NO_NAMESPACE).to_owned(), name.to_owned()])
    }

    /// These and one more.
    pub(crate) fn and(&self, value: &str) -> Self {
        let mut values = self.0.clone();
        values.push(value.to_owned());
        Self(values)
    }

    fn key(&self, metric: &Metric) -> Key {
        debug_assert_eq!(metric.labels.len(), self.0.len(), "{}", metric.name);
        let labels = metric.labels.iter().zip(&self.0).map(|(name, value)| Label::new(*name, value.clone()));
        Key::from_parts(KeyName::from_const_str(metric.name), labels.collect::<Vec<_>>())
    }
}

/// The time since something began; without a recorder the clock is not asked. By default it has not begun, and measures
/// nothing.
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "a timer is handed to what is counted at the end"]
pub struct Timer(Option<Instant>);

impl Timer {
    /// Begins now.
    pub fn start() -> Self {
        Self(is_installed().then(Instant::now))
    }

    /// Whether there was a recorder when it began.
    pub(crate) fn is_running(self) -> bool {
        self.0.is_some()
    }

    /// When it began, if there was a recorder then.
    pub(crate) fn began(self) -> Option<Instant> {
        self.0
    }

    pub(crate) fn stop(self, histogram: &Histogram) {
        if let Self(Some(began)) = self {
            histogram.record(began.elapsed().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics::{NoopRecorder, SharedString, with_local_recorder};

    use super::*;
    use crate::metrics::table;

    /// A recorder without size that is none of the facade's.
    struct Sizeless;

    impl Recorder for Sizeless {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn no_recorder_is_told_from_one_without_size() {
        assert!(!is_installed());
        let boxed: Box<dyn Recorder> = Box::new(Sizeless);
        assert!(address(&*boxed).is_some());
        let sized: Box<dyn Recorder> = Box::new(Box::new(NoopRecorder));
        assert!(address(&*sized).is_some());
    }

    #[test]
    fn each_recorder_gets_handles_once() {
        let handles: PerRecorder<usize> = PerRecorder::new();
        assert_eq!(handles.get(|_| unreachable!("there is no recorder")), None);
        let (a, b) = (Box::new(NoopRecorder), Box::new(NoopRecorder));
        // Boxed twice, they have a size and so addresses of their own.
        for (recorder, number) in [(&a, 1), (&b, 2)] {
            with_local_recorder(recorder, || {
                assert_eq!(handles.get(|_| number), Some(&number));
                assert_eq!(handles.get(|_| unreachable!("made already")), Some(&number));
            });
        }
        with_local_recorder(&a, || assert_eq!(handles.get(|_| 3), Some(&1)));
    }

    #[test]
    fn labels_are_as_many_as_the_table_says() {
        for metric in table::METRICS {
            let labels = Labels::new(None, "name");
            let labels = if metric.labels.len() == 3 { labels.and("reason") } else { labels };
            let key = labels.key(metric);
            let names: Vec<_> = key.labels().map(|label| label.key().to_owned()).collect();
            assert_eq!(names, metric.labels, "{}", metric.name);
        }
    }
}
