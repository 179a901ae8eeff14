//! [`Share`]: one owner's part of a gauge.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use metrics::Gauge;

use super::recorder::{Labels, PerRecorder};
use super::table::Metric;

/// How the shares of several owners in one process become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Together {
    /// Added up.
    Sum,
    /// The highest.
    Max,
}

/// One owner's share of a gauge. Two stores of one namespace, say, have the same gauge, which neither may overwrite.
///
/// What was set before a recorder was installed is exported at the next change, or by [`refresh`].
pub(crate) struct Share {
    shared: Arc<Shared>,
    id: u64,
}

struct Shared {
    metric: Metric,
    labels: Labels,
    together: Together,
    values: Mutex<Values>,
    gauge: PerRecorder<Gauge>,
}

#[derive(Default)]
struct Values {
    next: u64,
    /// The values of those who have set one, in no order: mostly there is one.
    set: Vec<(u64, f64)>,
}

type Gauges = Mutex<HashMap<(&'static str, Labels), Weak<Shared>>>;

/// The gauges that have owners.
fn gauges() -> &'static Gauges {
    static GAUGES: OnceLock<Gauges> = OnceLock::new();
    GAUGES.get_or_init(Gauges::default)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing can panic while the lock is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Exports what all gauges are now.
pub(crate) fn refresh() {
    let all: Vec<_> = lock(gauges()).values().filter_map(Weak::upgrade).collect();
    for shared in all {
        shared.export(&lock(&shared.values));
    }
}

impl Share {
    /// A share that has not been set yet.
    pub(crate) fn new(metric: &Metric, labels: &Labels, together: Together) -> Self {
        let key = (metric.name, labels.clone());
        let mut gauges = lock(gauges());
        let shared = gauges.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            gauges.retain(|_, shared| shared.strong_count() > 0);
            let shared = Arc::new(Shared {
                metric: *metric,
                labels: labels.clone(),
                together,
                values: Mutex::default(),
                gauge: PerRecorder::new(),
            });
            gauges.insert(key, Arc::downgrade(&shared));
            shared
        });
        drop(gauges);
        let mut values = lock(&shared.values);
        let id = values.next;
        values.next += 1;
        drop(values);
        Self { shared, id }
    }

    /// A share of 1 in a gauge that counts its owners.
    pub(crate) fn one(metric: &Metric, labels: &Labels) -> Self {
        let share = Self::new(metric, labels, Together::Sum);
        share.set(1);
        share
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
    pub(crate) fn set(&self, value: u64) {
        self.set_value(value as f64);
    }

    pub(crate) fn set_seconds(&self, value: Duration) {
        self.set_value(value.as_secs_f64());
    }

    /// One more, or one less.
    pub(crate) fn change(&self, by: i8) {
        self.update(|value| value + f64::from(by));
    }

    fn set_value(&self, value: f64) {
        self.update(|_| value);
    }

    fn update(&self, update: impl FnOnce(f64) -> f64) {
        let mut values = lock(&self.shared.values);
        match values.set.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, set)) => *set = update(*set),
            None => values.set.push((self.id, update(0.0))),
        }
        self.shared.export(&values);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut values = lock(&self.shared.values);
        values.set.retain(|(id, _)| *id != self.id);
        self.shared.export(&values);
    }
}

impl Shared {
    /// Exports the value, under the lock, so that the last one set is the last one exported.
    fn export(&self, values: &Values) {
        let values = values.set.iter().map(|(_, value)| *value);
        let value = match self.together {
            Together::Sum => values.sum(),
            Together::Max => values.fold(0.0, f64::max),
        };
        if let Some(gauge) = self.gauge.get(|registry| registry.gauge(&self.metric, &self.labels)) {
            gauge.set(value);
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("metric", &self.shared.metric.name).finish_non_exhaustive()
    }
}
