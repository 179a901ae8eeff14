//! Every way in which three nodes and two shards can go: an exhaustive search through the handoff, with words that are lost,
//! doubled, late and out of order, plans that come late or not at all, and nodes that die or are only thought to be dead.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use uuid::Uuid;

use super::seat::{Order, Seat, Stage, Word};
use crate::Incarnation;
use crate::plan::Slot;

const NODES: usize = 3;
const SHARDS: usize = 2;
/// Later than anything that is due.
const LATER: Duration = Duration::from_secs(3600);

fn node(place: usize) -> Incarnation {
    Uuid::from_u128(place as u128 + 1).into()
}

fn place(node: Incarnation) -> usize {
    usize::try_from(node.uuid().as_u128()).unwrap() - 1
}

/// A word on its way: it may be heard now, later, again, or never.
type Said = (usize, usize, usize, Word, u64);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    /// All plans that there were; nodes know one of them.
    plans: Vec<[Slot; SHARDS]>,
    known: [usize; NODES],
    seats: [[Seat; SHARDS]; NODES],
    words: BTreeSet<Said>,
    alive: [bool; NODES],
    /// Whom the leader takes for dead.
    suspected: [bool; NODES],
}

/// What the search may do.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// How often the leader changes the plan.
    plans: usize,
    /// How many nodes die, or are suspected though they live.
    faults: usize,
    /// `true` if a successor waits for the owner to release the shard: that it does is what is checked.
    waits: bool,
}

impl State {
    /// The first node acts for everything, and all know it.
    fn first() -> Self {
        let slot = Slot { owner: Some(node(0)), to: None, since: 0 };
        let mut state = Self {
            plans: vec![[Slot::default(); SHARDS], [slot; SHARDS]],
            known: [0; NODES],
            seats: Default::default(),
            words: BTreeSet::new(),
            alive: [true; NODES],
            suspected: [false; NODES],
        };
        for slot in &mut state.plans[1] {
            slot.since = 1;
        }
        for place in 0..NODES {
            state.learn(place, 1);
        }
        for shard in 0..SHARDS {
            state.with_seat(0, shard, |seat, orders| seat.listened(1, Duration::ZERO, orders));
        }
        state
    }

    fn with_seat(&mut self, at: usize, shard: usize, input: impl FnOnce(&mut Seat, &mut Vec<Order>)) {
        let mut orders = Vec::new();
        let seat = &mut self.seats[at][shard];
        input(seat, &mut orders);
        seat.forget_times();
        for order in orders {
            if let Order::Say(to, word, since) = order {
                self.words.insert((at, place(to), shard, word, since));
            }
        }
    }

    fn learn(&mut self, at: usize, plan: usize) {
        self.known[at] = plan;
        for shard in 0..SHARDS {
            let slot = self.plans[plan][shard];
            self.with_seat(at, shard, |seat, orders| seat.planned(node(at), slot, Duration::ZERO, orders));
        }
    }

    fn latest(&self) -> &[Slot; SHARDS] {
        self.plans.last().unwrap()
    }

    fn change(&mut self, shard: usize, owner: Option<Incarnation>, to: Option<Incarnation>) {
        let mut next = *self.latest();
        next[shard] = Slot { owner, to, since: self.plans.len() as u64 };
        self.plans.push(next);
    }

    fn is_given_up(&self, incarnation: Incarnation) -> bool {
        self.suspected[place(incarnation)]
    }

    /// What the leader has to write, as the planner would: the dead are not waited for, and what has arrived is settled.
    fn settle(&mut self) -> bool {
        for shard in 0..SHARDS {
            let slot = self.latest()[shard];
            let has_moved = |to: Incarnation| {
                self.alive[place(to)] && self.seats[place(to)][shard].moved(to) == Some(slot.since)
            };
            match (slot.owner, slot.to) {
                (_, Some(to)) if has_moved(to) => self.change(shard, Some(to), None),
                (Some(owner), Some(to)) if self.is_given_up(owner) && !self.is_given_up(to) => {
                    self.change(shard, Some(to), None);
                }
                (Some(owner), Some(to)) if self.is_given_up(to) && !self.is_given_up(owner) => {
                    self.change(shard, Some(owner), None);
                }
                (Some(owner), _) if self.is_given_up(owner) => {
                    let heir = (0..NODES).find(|place| !self.suspected[*place]).map(node);
                    if heir.is_none() {
                        continue;
                    }
                    self.change(shard, heir, None);
                }
                _ => continue,
            }
            return true;
        }
        false
    }

    /// Everything that can happen next.
    fn next(&self, bounds: Bounds) -> Vec<Self> {
        let mut next = Vec::new();
        let mut can = |happen: &mut dyn FnMut(&mut Self)| {
            let mut state = self.clone();
            happen(&mut state);
            next.push(state);
        };
        if self.plans.len() < 2 + bounds.plans {
            let mut settled = self.clone();
            if settled.settle() {
                can(&mut |state| {
                    state.settle();
                });
            }
            for shard in 0..SHARDS {
                let slot = self.latest()[shard];
                for to in (0..NODES).filter(|to| !self.suspected[*to] && slot.owner != Some(node(*to))) {
                    if slot.to.is_none() && slot.owner.is_some_and(|owner| !self.is_given_up(owner)) {
                        can(&mut |state| state.change(shard, slot.owner, Some(node(to))));
                    }
                }
            }
        }
        let faults = (0..NODES).filter(|at| self.suspected[*at] || !self.alive[*at]).count();
        for at in (0..NODES).filter(|at| self.alive[*at]) {
            if faults < bounds.faults && !self.suspected[at] {
                can(&mut |state| (state.alive[at], state.suspected[at]) = (false, true));
                can(&mut |state| state.suspected[at] = true);
            }
            for plan in self.known[at] + 1..self.plans.len() {
                can(&mut |state| state.learn(at, plan));
            }
            for shard in 0..SHARDS {
                let seat = &self.seats[at][shard];
                if let Some(number) = seat.awaits_listening() {
                    can(&mut |state| {
                        state.with_seat(at, shard, |seat, orders| {
                            seat.listened(number, Duration::ZERO, orders)
                        });
                    });
                }
                if matches!(seat.stage, Stage::Holding { .. }) {
                    can(&mut |state| {
                        state.with_seat(at, shard, |seat, orders| seat.drained(Duration::ZERO, orders))
                    });
                }
                if seat.due().is_some() {
                    can(&mut |state| state.with_seat(at, shard, |seat, orders| seat.turn(LATER, orders)));
                }
                if let (false, Stage::Preparing { from }) = (bounds.waits, seat.stage) {
                    let since = self.plans[self.known[at]][shard].since;
                    can(&mut |state| {
                        state.with_seat(at, shard, |seat, orders| {
                            seat.told(from, Word::Release, since, Duration::ZERO, orders);
                        });
                    });
                }
            }
        }
        for &(from, to, shard, word, since) in self.words.iter().filter(|(_, to, ..)| self.alive[*to]) {
            can(&mut |state| {
                state.with_seat(to, shard, |seat, orders| {
                    seat.told(node(from), word, since, Duration::ZERO, orders)
                });
            });
        }
        next
    }

    fn acting(&self, shard: usize) -> Vec<usize> {
        (0..NODES).filter(|at| self.alive[*at] && self.seats[*at][shard].is_acting()).collect()
    }

    /// What must hold at any time.
    fn check(&self) -> Result<(), String> {
        for shard in 0..SHARDS {
            let acting = self.acting(shard);
            // Whoever is taken for dead, and is not, may act beside its successor: the log decides between them.
            let trusted = acting.iter().filter(|at| !self.suspected[**at]).count();
            let disturbed = self.suspected.iter().any(|suspected| *suspected);
            if acting.len() > 1 && !disturbed {
                return Err(format!("{acting:?} act for shard {shard}"));
            }
            if trusted > 1 && !disturbed {
                return Err(format!("{acting:?} act for shard {shard}, and none is suspected"));
            }
            for at in acting {
                let slot = self.plans[self.known[at]][shard];
                if slot.owner != Some(node(at)) && slot.to != Some(node(at)) {
                    return Err(format!("node {at} acts for shard {shard}, which it knows to be another's"));
                }
            }
        }
        Ok(())
    }

    /// Lets everything that can be said be said, and everything that is due be done, with no more faults: then the shards
    /// are where the plan says.
    fn come_to_rest(mut self) -> Result<(), String> {
        for _ in 0..64 {
            let before = self.clone();
            while self.settle() {}
            let alive: Vec<usize> = (0..NODES).filter(|at| self.alive[*at]).collect();
            for at in alive {
                let latest = self.plans.len() - 1;
                if self.known[at] < latest {
                    self.learn(at, latest);
                }
                for shard in 0..SHARDS {
                    if let Some(number) = self.seats[at][shard].awaits_listening() {
                        self.with_seat(at, shard, |seat, orders| {
                            seat.listened(number, Duration::ZERO, orders)
                        });
                    }
                    if matches!(self.seats[at][shard].stage, Stage::Holding { .. }) {
                        self.with_seat(at, shard, |seat, orders| seat.drained(Duration::ZERO, orders));
                    }
                    self.with_seat(at, shard, |seat, orders| seat.turn(LATER, orders));
                }
            }
            for (from, to, shard, word, since) in self.words.clone() {
                if self.alive[to] {
                    self.with_seat(to, shard, |seat, orders| {
                        seat.told(node(from), word, since, Duration::ZERO, orders)
                    });
                }
            }
            if self == before {
                break;
            }
        }
        for shard in 0..SHARDS {
            let slot = self.latest()[shard];
            let owner: Vec<usize> = slot.owner.map(place).into_iter().collect();
            if slot.to.is_some() || self.acting(shard) != owner {
                return Err(format!(
                    "shard {shard} does not come to rest: {slot:?}, {:?} act",
                    self.acting(shard)
                ));
            }
        }
        Ok(())
    }
}

/// Searches through everything; how many states there are, or what is wrong with one of them.
fn search(bounds: Bounds) -> Result<usize, String> {
    let first = State::first();
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    while let Some(state) = queue.pop_front() {
        state.check().map_err(|wrong| format!("{wrong}: {state:#?}"))?;
        state.clone().come_to_rest().map_err(|wrong| format!("{wrong}: {state:#?}"))?;
        for next in state.next(bounds) {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn no_way_through_a_handoff_goes_wrong() {
    let states = search(Bounds { plans: 3, faults: 0, waits: true }).unwrap();
    let with_faults = search(Bounds { plans: 2, faults: 1, waits: true }).unwrap();
    assert!(states > 1_000 && with_faults > 1_000);
}

#[test]
fn a_successor_that_does_not_wait_is_found_out() {
    let wrong = search(Bounds { plans: 1, faults: 0, waits: false }).unwrap_err();
    assert!(wrong.contains("act for shard"), "{wrong}");
}
