//! [`ConsumerGroup`] and [`GroupBuilder`]: joining a group.

use std::sync::Arc;
use std::time::Duration;

use aether_coordination::Coordination;
use aether_core::{Clock, EventFilter, Subscribe, SubscribeFrom, SystemClock};

use crate::{GroupAdmin, GroupError, Handler, Member, Order, ParkLimits, Retry};

/// Several processes that share one subscription: each event goes to one of them, one actor's events always in order.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use aether_coordination::Coordination;
/// # use aether_core::{EventFilter, Subscribe};
/// use aether_group::{ConsumerGroup, each};
///
/// # async fn run(store: Arc<dyn Subscribe>, coordination: Arc<dyn Coordination>) -> Result<(), Box<dyn std::error::Error>> {
/// let member = ConsumerGroup::builder("mailer", store, coordination)
///     .filter(EventFilter::category("order"))
///     .join(each(async |event, _| {
///         tracing::info!(actor = %event.actor(), "sending a mail");
///         Ok(())
///     }))
///     .await?;
/// // Until it is time to go:
/// member.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConsumerGroup(());

impl ConsumerGroup {
    /// Begins a membership in the group of this name, which is made when its first member joins.
    pub fn builder(
        name: impl Into<Arc<str>>,
        store: Arc<dyn Subscribe>,
        coordination: Arc<dyn Coordination>,
    ) -> GroupBuilder {
        GroupBuilder { store, coordination, options: Options::new(name.into()) }
    }
}

/// Says how a member is to be.
#[derive(Debug, Clone)]
#[must_use = "a member is made by join()"]
pub struct GroupBuilder {
    store: Arc<dyn Subscribe>,
    coordination: Arc<dyn Coordination>,
    options: Options,
}

/// What a member was told to be.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) group: Arc<str>,
    pub(crate) member: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) partitions: u16,
    pub(crate) from: SubscribeFrom,
    pub(crate) filter: EventFilter,
    pub(crate) order: Order,
    pub(crate) window: usize,
    pub(crate) max_batch: usize,
    pub(crate) concurrency: usize,
    pub(crate) retry: Retry,
    pub(crate) park_limits: ParkLimits,
    pub(crate) checkpoint_every: Duration,
    pub(crate) pulse_every: Duration,
    pub(crate) suspect_after: Duration,
    pub(crate) stop_within: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl GroupBuilder {
    /// Sets the member's name, for people; it need not be unique. A random name by default.
    pub fn member(mut self, name: impl Into<String>) -> Self {
        self.options.member = Some(name.into());
        self
    }

    /// The namespace of the store, under which the group's metrics are found; none, if this is not called.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.namespace = Some(namespace.into());
        self
    }

    /// Into how many partitions the group divides the actors: at most so many members have work. Fixed when the group is
    /// made; 64, if this is not called.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.options.partitions = partitions;
        self
    }

    /// Sets where a new group begins; members that join later ignore it. With the first event, if
    /// this is not called. [`SubscribeFrom::Now`] is settled once, when the first member joins.
    pub fn from(mut self, from: SubscribeFrom) -> Self {
        self.options.from = from;
        self
    }

    /// Sets the filter that events must pass; all pass by default. All members must have the same.
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.options.filter = filter;
        self
    }

    /// Sets the scope in which events are handled one after the other; an actor by default.
    pub fn order(mut self, order: Order) -> Self {
        self.options.order = order;
        self
    }

    /// Sets the limit of events that are read and not finished; 1,024 by default. At the limit, the member
    /// does not read on. What a halted partition has taken does not count.
    pub fn window(mut self, events: usize) -> Self {
        self.options.window = events;
        self
    }

    /// Sets the limit of events in one batch; 1 by default.
    pub fn max_batch(mut self, events: usize) -> Self {
        self.options.max_batch = events;
        self
    }

    /// Sets the limit of batches that this member handles at the same time; 1 by default. With 1, and while nothing
    /// fails, events are handled in the order of their positions.
    pub fn concurrency(mut self, batches: usize) -> Self {
        self.options.concurrency = batches;
        self
    }

    /// Sets the policy for events that fail.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.options.retry = retry;
        self
    }

    /// Sets the limits of parked actors in one partition.
    pub fn park_limits(mut self, limits: ParkLimits) -> Self {
        self.options.park_limits = limits;
        self
    }

    /// Sets the shortest time between two checkpoints of a busy partition; 500 ms by default. A
    /// partition that has nothing to handle is written a tenth as often.
    pub fn checkpoint_every(mut self, interval: Duration) -> Self {
        self.options.checkpoint_every = interval;
        self
    }

    /// Sets the interval of the member's heartbeats; 500 ms by default. At most a fourth of
    /// [`suspect_after`](Self::suspect_after).
    pub fn pulse_every(mut self, interval: Duration) -> Self {
        self.options.pulse_every = interval;
        self
    }

    /// Sets the silence after which the other members take a member's partitions; 3 s by default. At least four
    /// times [`pulse_every`](Self::pulse_every), so that a pulse that is lost makes nobody look dead. All members should
    /// have the same.
    pub fn suspect_after(mut self, silence: Duration) -> Self {
        self.options.suspect_after = silence;
        self
    }

    /// Sets the longest wait of [`Member::stop`] for running handlers; 30 s by default.
    pub fn stop_within(mut self, deadline: Duration) -> Self {
        self.options.stop_within = deadline;
        self
    }

    /// Sets the clock behind the times in letters and the lag; the machine's clock by default. Nothing is decided
    /// by it.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.options.clock = Arc::new(clock);
        self
    }

    /// A look at the group, and at its parked actors, from outside.
    #[must_use]
    pub fn admin(&self) -> GroupAdmin {
        GroupAdmin::new(self.options.group.clone(), self.store.clone(), self.coordination.clone())
    }

    /// Joins the group, and makes it if it is not there. Returns when the member is at work, which does not mean that it
    /// has partitions: those come within moments, or when somebody leaves.
    ///
    /// # Errors
    /// [`GroupError`]; [`GroupError::Mismatch`] if the group has other settings.
    pub async fn join(self, handler: impl Handler) -> Result<Member, GroupError> {
        self.options.check()?;
        Member::join(self.options, self.store, self.coordination, Arc::new(handler)).await
    }
}

impl Options {
    pub(crate) fn new(group: Arc<str>) -> Self {
        Self {
            group,
            member: None,
            namespace: None,
            partitions: 64,
            from: SubscribeFrom::Start,
            filter: EventFilter::all(),
            order: Order::default(),
            window: 1_024,
            max_batch: 1,
            concurrency: 1,
            retry: Retry::default(),
            park_limits: ParkLimits::default(),
            checkpoint_every: Duration::from_millis(500),
            pulse_every: Duration::from_millis(500),
            suspect_after: Duration::from_secs(3),
            stop_within: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
        }
    }

    fn check(&self) -> Result<(), GroupError> {
        let checks = [
            (!self.group.is_empty(), "a group has a name"),
            (self.partitions > 0, "a group has at least one partition"),
            (self.window > 0, "a window holds at least one event"),
            (self.max_batch > 0, "a batch holds at least one event"),
            (self.concurrency > 0, "at least one batch is handled at a time"),
            (!self.pulse_every.is_zero(), "a pulse is not without end"),
            // A member counts as cut off one pulse before it is suspected, and one pulse may be lost: with less than this,
            // everybody is cut off again and again, and whoever is suspects nobody.
            (self.suspect_after / 4 >= self.pulse_every, "a suspicion takes at least four pulses"),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(GroupError::Invalid(rule)),
            None => Ok(()),
        }
    }
}
