//! [`Election`]: who leads. Pure.
//!
//! The leader is whoever has written the leader's key last, by compare-and-set; the revision of that write is its epoch.
//! Nothing rests on a clock: whoever takes the key over too early costs a change of leaders, and the plan is fenced by
//! the epoch that is stamped on it before anything else.

use std::time::Duration;

use aether_coordination::{Condition, Revision};
use uuid::Uuid;

use crate::plan::Epoch;
use crate::record::Leader;
use crate::{Incarnation, Node};

/// How often a leader confirms its key.
const CONFIRM: Duration = Duration::from_millis(2500);
/// How long a leader leads without having been able to: longer than the servers' elections take.
const UNCONFIRMED: Duration = Duration::from_secs(10);

/// What is to be done about the leader's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read it: [`Election::looked`].
    Look,
    /// Write it: [`Election::wrote`].
    Write(Leader, Condition),
    /// This node leads from now on, in this epoch.
    Won(Epoch),
    /// This node does not lead any more, as it did in this epoch.
    Lost(Epoch),
}

/// How the write of the key has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    At(Revision),
    Conflict,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Somebody else leads, or nobody.
    Following,
    /// The key is read, to be taken over.
    Looking,
    /// The key is being taken over by this write.
    Taking { nonce: Uuid },
    /// This node leads.
    Leading { nonce: Uuid, epoch: Epoch, revision: Revision, confirmed: Duration, writing: Option<Duration> },
}

/// What a node sees of the others when it thinks about leading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Around {
    /// `true` if it hears itself.
    pub(crate) connected: bool,
    /// How many members there are, and how many of them it hears, with itself.
    pub(crate) members: usize,
    pub(crate) heard: usize,
    /// `true` if it could lead at all: it is a member, and does not leave.
    pub(crate) eligible: bool,
    /// The highest sequence of the store that it has heard of.
    pub(crate) sequence: u64,
}

impl Around {
    fn has_most(&self) -> bool {
        2 * self.heard >= self.members
    }
}

/// Who leads.
#[derive(Debug, Clone)]
pub(crate) struct Election {
    me: Node,
    patience: Duration,
    state: State,
    /// The highest epoch that was heard of, and who leads in it.
    known: Option<(Epoch, Incarnation)>,
    /// When to take the key over unless the leader is heard; later if most of the members are not heard.
    take_over_at: Duration,
    take_over_alone_at: Duration,
    /// `true` if this node took over though it did not hear most of the members.
    alone: bool,
    last_turn: Option<Duration>,
    /// What was written last, to be written again as long as it is not known what came of it.
    written: Option<(Leader, Condition)>,
    random: fastrand::Rng,
}

impl Election {
    pub(crate) fn new(me: Node, patience: Duration, now: Duration, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // There may be no leader at all: that is found out at once, though not by all at the same moment.
        let soon = now + patience.mul_f64(random.f64() / 20.0);
        Self {
            me,
            patience,
            state: State::Following,
            known: None,
            take_over_at: soon,
            take_over_alone_at: soon,
            alone: false,
            last_turn: None,
            written: None,
            random,
        }
    }

    /// The epoch in which this node leads.
    pub(crate) fn leads(&self) -> Option<Epoch> {
        match self.state {
            State::Leading { epoch, .. } => Some(epoch),
            _ => None,
        }
    }

    /// Who leads, as far as is known.
    pub(crate) fn leader(&self) -> Option<(Epoch, Incarnation)> {
        self.known
    }

    /// Returns whether something of this epoch may still be believed.
    pub(crate) fn is_current(&self, epoch: Epoch) -> bool {
        self.known.is_none_or(|(known, _)| epoch >= known)
    }

    /// Somebody was heard to lead.
    pub(crate) fn heard(&mut self, leader: Incarnation, epoch: Epoch, now: Duration, steps: &mut Vec<Step>) {
        if !self.is_current(epoch) {
            return;
        }
        self.known = Some((epoch, leader));
        if leader != self.me.incarnation {
            self.step_down(now, steps);
            self.wait(now);
        }
    }

    /// Somebody has gone. If it has led there is nothing to wait for.
    pub(crate) fn gone(&mut self, node: Incarnation, now: Duration) {
        if self.known.is_some_and(|(_, leader)| leader == node) {
            let soon = now + self.patience.mul_f64(self.random.f64() / 20.0);
            (self.take_over_at, self.take_over_alone_at) = (soon, soon);
        }
    }

    /// Somebody does not lead any more.
    pub(crate) fn resigned(&mut self, node: Incarnation, epoch: Epoch, now: Duration) {
        if self.known.is_none_or(|(known, _)| known <= epoch) {
            self.known = Some((epoch, node));
            self.gone(node, now);
        }
    }

    /// A plan of this epoch is there.
    pub(crate) fn planned(&mut self, epoch: Epoch, now: Duration, steps: &mut Vec<Step>) {
        if self.leads().is_some_and(|mine| mine < epoch) {
            self.step_down(now, steps);
        }
    }

    /// The key was read: what is in it.
    pub(crate) fn looked(
        &mut self,
        found: Option<(Leader, Revision)>,
        around: Around,
        now: Duration,
        steps: &mut Vec<Step>,
    ) {
        if self.state != State::Looking {
            return;
        }
        self.state = State::Following;
        if let Some((leader, revision)) = &found {
            let epoch = leader.epoch.unwrap_or(Epoch::new(revision.get()));
            let is_news = self.known.is_none_or(|(known, _)| epoch > known);
            if is_news && leader.node.id != self.me.id {
                // Somebody has taken over and was not heard yet: it has a suspicion before it.
                self.known = Some((epoch, leader.node.incarnation));
                self.wait(now);
                return;
            }
        }
        let nonce = Uuid::from_u128(self.random.u128(..));
        let condition = Condition::from(found.map(|(_, revision)| revision));
        self.state = State::Taking { nonce };
        self.write(nonce, None, condition, around, steps);
    }

    fn write(
        &mut self,
        nonce: Uuid,
        epoch: Option<Epoch>,
        condition: Condition,
        around: Around,
        steps: &mut Vec<Step>,
    ) {
        let leader = Leader { node: self.me.clone(), nonce, epoch, sequence: around.sequence };
        self.written = Some((leader.clone(), condition));
        steps.push(Step::Write(leader, condition));
    }

    /// The write has ended.
    pub(crate) fn wrote(&mut self, result: Written, around: Around, now: Duration, steps: &mut Vec<Step>) {
        match (&mut self.state, result) {
            (State::Taking { nonce }, Written::At(revision)) => {
                let (nonce, epoch) = (*nonce, Epoch::new(revision.get()));
                self.state = State::Leading { nonce, epoch, revision, confirmed: now, writing: None };
                self.known = Some((epoch, self.me.incarnation));
                self.alone = !around.has_most();
                steps.push(Step::Won(epoch));
            }
            (State::Taking { .. } | State::Leading { .. }, Written::Unknown) => {
                // The same bytes again, until it is known.
                steps.extend(self.written.clone().map(|(leader, condition)| Step::Write(leader, condition)));
            }
            (State::Taking { .. }, Written::Conflict) => {
                self.state = State::Following;
                self.wait(now);
            }
            (State::Leading { revision, confirmed, writing, .. }, Written::At(at)) => {
                *revision = at;
                // It was so when the write was sent, and nobody knows for how long after.
                *confirmed = writing.take().unwrap_or(*confirmed);
            }
            (State::Leading { .. }, Written::Conflict) => self.step_down(now, steps),
            (State::Following | State::Looking, _) => {}
        }
    }

    /// Does what is due.
    pub(crate) fn turn(&mut self, around: Around, now: Duration, steps: &mut Vec<Step>) {
        let slept = self.last_turn.is_some_and(|last| now.saturating_sub(last) > self.patience);
        self.last_turn = Some(now);
        if slept {
            // What was so before is long ago.
            self.step_down(now, steps);
            self.wait(now);
        }
        let due = now >= self.due_to_take_over(around);
        match &mut self.state {
            State::Leading { nonce, epoch, revision, confirmed, writing } => {
                let unconfirmed = now.saturating_sub(*confirmed) > UNCONFIRMED;
                if unconfirmed || !around.eligible || !(around.has_most() || self.alone) {
                    self.step_down(now, steps);
                } else if writing.is_none() && now >= *confirmed + CONFIRM {
                    *writing = Some(now);
                    let (nonce, epoch, condition) = (*nonce, *epoch, Condition::At(*revision));
                    self.write(nonce, Some(epoch), condition, around, steps);
                }
            }
            State::Following if due => {
                self.state = State::Looking;
                steps.push(Step::Look);
            }
            State::Following | State::Looking | State::Taking { .. } => {}
        }
    }

    /// This node was cut off, and may not have heard the leader.
    pub(crate) fn reconnected(&mut self, now: Duration) {
        self.wait(now);
    }

    /// The key could not be read.
    pub(crate) fn blind(&mut self, now: Duration) {
        if self.state == State::Looking {
            self.state = State::Following;
            self.wait(now);
        }
    }

    /// When [`turn`](Self::turn) has something to do.
    pub(crate) fn due(&self, around: Around) -> Duration {
        match &self.state {
            State::Leading { confirmed, writing: None, .. } => *confirmed + CONFIRM,
            State::Leading { confirmed, .. } => *confirmed + UNCONFIRMED,
            State::Following => self.due_to_take_over(around),
            State::Looking | State::Taking { .. } => Duration::MAX,
        }
    }

    fn due_to_take_over(&self, around: Around) -> Duration {
        if !around.connected || !around.eligible {
            return Duration::MAX;
        }
        // Whoever hears most of the members leads better than one that does not. If there is nobody like that, the keys
        // decide who is on the right side of a partition: they can be written there alone.
        if around.has_most() { self.take_over_at } else { self.take_over_alone_at }
    }

    /// Does not take over for as long as a leader may be silent, and a while by chance.
    fn wait(&mut self, now: Duration) {
        self.take_over_at = now + self.patience.mul_f64(1.0 + self.random.f64() / 4.0);
        self.take_over_alone_at = now + self.patience.mul_f64(3.0 + self.random.f64());
    }

    fn step_down(&mut self, now: Duration, steps: &mut Vec<Step>) {
        if let Some(epoch) = self.leads() {
            steps.push(Step::Lost(epoch));
        }
        if self.state != State::Following {
            self.state = State::Following;
            self.wait(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    const PATIENCE: Duration = Duration::from_secs(3);
    const WELL: Around = Around { connected: true, members: 3, heard: 3, eligible: true, sequence: 0 };

    fn node(number: u128) -> Node {
        let id = NodeId::new(format!("n{number}")).unwrap();
        Node { id, incarnation: Uuid::from_u128(number).into() }
    }

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// An election, and what it has asked for since it was last looked.
    struct Watched(Election, Vec<Step>);

    impl Watched {
        fn new(number: u128) -> Self {
            Self(Election::new(node(number), PATIENCE, Duration::ZERO, 7), Vec::new())
        }

        fn turn(&mut self, around: Around, at: f64) -> Vec<Step> {
            self.0.turn(around, secs(at), &mut self.1);
            std::mem::take(&mut self.1)
        }

        fn looked(&mut self, found: Option<(Leader, u64)>, at: f64) -> Vec<Step> {
            let found = found.map(|(leader, revision)| (leader, Revision::new(revision)));
            self.0.looked(found, WELL, secs(at), &mut self.1);
            std::mem::take(&mut self.1)
        }

        fn wrote(&mut self, written: Written, at: f64) -> Vec<Step> {
            self.0.wrote(written, WELL, secs(at), &mut self.1);
            std::mem::take(&mut self.1)
        }

        /// Leads from epoch 5 on.
        fn leading() -> Self {
            let mut election = Self::new(1);
            assert_eq!(election.turn(WELL, 0.5), [Step::Look]);
            assert!(matches!(election.looked(None, 0.5)[..], [Step::Write(_, Condition::Absent)]));
            assert_eq!(election.wrote(Written::At(Revision::new(5)), 0.5), [Step::Won(Epoch::new(5))]);
            election
        }
    }

    fn record(number: u128, epoch: u64) -> Leader {
        Leader { node: node(number), nonce: Uuid::nil(), epoch: Some(Epoch::new(epoch)), sequence: 0 }
    }

    #[test]
    fn whoever_is_there_first_leads_and_confirms_it() {
        let mut election = Watched::leading();
        assert_eq!(election.turn(WELL, 1.0), []);
        let steps = election.turn(WELL, 3.1);
        let [Step::Write(leader, condition)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((leader.epoch, *condition), (Some(Epoch::new(5)), Condition::At(Revision::new(5))));
        // Nobody knows what became of it: the same bytes again.
        assert_eq!(election.wrote(Written::Unknown, 4.0), steps);
        assert_eq!(election.wrote(Written::At(Revision::new(6)), 4.5), []);
        // It counts from when it was sent.
        assert!(matches!(election.turn(WELL, 5.7)[..], [Step::Write(_, Condition::At(_))]));
        assert_eq!(election.0.leads(), Some(Epoch::new(5)));
    }

    #[test]
    fn a_leader_that_cannot_confirm_its_key_goes_quiet() {
        let mut election = Watched::leading();
        for at in 1..=5 {
            election.turn(WELL, 2.0 * f64::from(at));
        }
        assert_eq!(election.0.leads(), Some(Epoch::new(5)));
        assert_eq!(election.turn(WELL, 10.6), [Step::Lost(Epoch::new(5))]);
    }

    #[test]
    fn a_leader_gives_way_to_whoever_has_written_the_key_since() {
        for conflict in [true, false] {
            let mut election = Watched::leading();
            election.turn(WELL, 3.1);
            let steps = if conflict {
                election.wrote(Written::Conflict, 3.2)
            } else {
                election.0.heard(node(2).incarnation, Epoch::new(9), secs(3.2), &mut election.1);
                std::mem::take(&mut election.1)
            };
            assert_eq!(steps, [Step::Lost(Epoch::new(5))]);
            assert_eq!(election.0.leads(), None);
        }
        // One of an older epoch is not believed.
        let mut election = Watched::leading();
        election.0.heard(node(2).incarnation, Epoch::new(4), secs(1.0), &mut election.1);
        assert_eq!((election.1.len(), election.0.leads()), (0, Some(Epoch::new(5))));
    }

    #[test]
    fn a_leader_that_was_heard_is_waited_for_and_no_longer() {
        let mut election = Watched::new(2);
        election.0.heard(node(1).incarnation, Epoch::new(5), secs(0.1), &mut election.1);
        assert_eq!(election.turn(WELL, 3.0), []);
        assert_eq!(election.turn(WELL, 4.0), [Step::Look]);
        // It has left its key, and is silent: it is taken over.
        assert!(matches!(
            election.looked(Some((record(1, 5), 8)), 4.0)[..],
            [Step::Write(_, Condition::At(_))]
        ));
        assert_eq!(election.wrote(Written::At(Revision::new(9)), 4.1), [Step::Won(Epoch::new(9))]);
        // One that was not heard of has its time before it.
        let mut election = Watched::new(2);
        assert_eq!(election.turn(WELL, 1.0), [Step::Look]);
        assert_eq!(election.looked(Some((record(1, 5), 8)), 1.0), []);
        assert_eq!(election.turn(WELL, 3.9), []);
        // Unless it says that it does not lead any more.
        election.0.resigned(node(1).incarnation, Epoch::new(5), secs(3.9));
        assert_eq!(election.turn(WELL, 4.1), [Step::Look]);
    }

    #[test]
    fn whoever_hears_few_leads_only_if_nobody_else_does() {
        let few = Around { heard: 1, ..WELL };
        let mut election = Watched::leading();
        assert_eq!(election.turn(few, 1.0), [Step::Lost(Epoch::new(5))]);
        assert_eq!(election.turn(few, 3.0), []);
        assert_eq!(election.turn(few, 5.9), []);
        assert_eq!(election.turn(few, 8.8), []);
        let steps = [election.turn(few, 10.9), election.turn(few, 13.1)].concat();
        assert_eq!(steps, [Step::Look]);
        // Whoever does not hear itself, or is about to leave, does not lead at all.
        for around in [Around { connected: false, ..WELL }, Around { eligible: false, ..WELL }] {
            assert_eq!(Watched::new(3).turn(around, 60.0), []);
        }
    }

    #[test]
    fn whoever_was_asleep_does_not_go_on_where_it_was() {
        let mut election = Watched::leading();
        election.turn(WELL, 1.0);
        assert_eq!(election.turn(WELL, 4.1), [Step::Lost(Epoch::new(5))]);
    }
}
