//! What can happen to a cluster.

use std::time::Duration;

use super::input::Item;
use super::net::Place;
use super::world::World;

const SECOND: Duration = Duration::from_secs(1);

/// What goes wrong in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Any,
    /// Mostly with nodes and with what is between them.
    WithNodes,
    /// Mostly with the store.
    WithStore,
}

impl World {
    /// Between so many and so many seconds.
    fn span(&mut self, least: f64, most: f64) -> Duration {
        SECOND.mul_f64(least + (most - least) * self.random.f64())
    }

    fn any(&mut self) -> Option<usize> {
        let running: Vec<usize> = self.processes().map(|(node, _)| node).collect();
        self.random.choice(running)
    }

    /// One thing goes wrong, drawn by chance.
    pub(super) fn go_wrong(&mut self, trouble: Trouble) {
        let drawn = match trouble {
            Trouble::Any => self.random.u8(..17),
            Trouble::WithNodes => self.random.u8(..8),
            Trouble::WithStore => self.random.u8(3..12),
        };
        match drawn {
            0 | 1 => self.kill(),
            2..5 => self.freeze(),
            5..7 => self.split(),
            7 => self.cut_off_from(Place::KEYS, "cuts from the keys"),
            8 => self.cut_off_from(Place::STORE, "cuts from the store"),
            9 => self.elect_store(),
            10 | 11 => self.depose_store_leader(),
            12 | 13 => self.elect_keys(),
            14 => self.be_rough(),
            15 => self.leave_and_come_back(),
            _ => self.join(),
        }
    }

    fn kill(&mut self) {
        let Some(node) = self.any() else { return };
        let lost = self.random.u8(..4) == 0;
        self.crash(node, lost);
        self.count("crashes");
        // A rolling restart begins the next one before the last is back.
        let back = self.now + self.span(0.2, 8.0);
        self.push(back, Item::Start(node));
    }

    /// A process stands still, or its whole machine with its clock.
    pub(super) fn freeze(&mut self) {
        let span = self.suspect_after.mul_f64(0.3 + 2.7 * self.random.f64());
        if let Some(node) = self.any() {
            let suspended = self.random.u8(..3) == 0;
            self.freeze_for(node, span, suspended);
        }
    }

    pub(super) fn freeze_for(&mut self, node: usize, span: Duration, suspended: bool) {
        let now = self.now;
        let Some(process) = self.process_mut(node) else { return };
        if process.frozen_until > now {
            return;
        }
        (process.frozen_since, process.frozen_until) = (now, now + span);
        if suspended {
            process.clock.suspend(now, now + span);
        }
        self.count(if suspended { "suspended machines" } else { "frozen processes" });
        self.log(|| format!("n{node} is frozen for {span:?}, suspended {suspended}"));
    }

    /// Some cannot talk to the others, or to nobody at all.
    fn split(&mut self) {
        let everybody =
            (0..self.hosts.len()).map(Place::node).chain(self.senders.iter().map(|sender| sender.place));
        let everybody: Vec<Place> = everybody.collect();
        let alone = self.random.bool();
        let mut side = 0;
        if alone {
            side = self.any().map_or(0, |node| Place::node(node).bit());
        } else {
            for place in &everybody {
                if self.random.u8(..3) == 0 {
                    side |= place.bit();
                }
            }
        }
        let all = everybody.iter().fold(0, |all, place| all | place.bit());
        // Whoever is alone does not even hear itself.
        let mut other = if alone { all } else { all & !side };
        if self.random.bool() {
            other |= Place::KEYS.bit();
        }
        if self.random.u8(..3) == 0 {
            other |= Place::STORE.bit();
        }
        let one_way = self.random.u8(..5) == 0;
        let until = self.now + self.span(0.5, 9.0);
        self.net.cut(side, other, one_way, until);
        self.count("partitions");
        self.log(|| format!("partition {side:x} | {other:x} until {until:?}, one way {one_way}"));
    }

    fn cut_off_from(&mut self, service: Place, name: &'static str) {
        let Some(node) = self.any() else { return };
        let until = self.now + self.span(0.5, 9.0);
        self.net.cut(Place::node(node).bit(), service.bit(), false, until);
        self.count(name);
        self.log(|| format!("n{node}: {name} until {until:?}"));
    }

    fn elect_keys(&mut self) {
        self.keys.down_until = self.now + self.span(4.0, 9.0);
        self.count("elections of the keys");
        self.log(|| "election of the keys".into());
    }

    fn elect_store(&mut self) {
        self.store.down_until = self.now + self.span(1.0, 9.0);
        self.count("elections of the store");
        self.log(|| "election of the store".into());
    }

    fn depose_store_leader(&mut self) {
        let (now, until) = (self.now, self.now + self.span(1.0, 9.0));
        let mut places = 0;
        for node in 0..self.hosts.len() {
            if self.random.bool() {
                places |= Place::node(node).bit();
            }
        }
        self.store.isolated = Some((now, until, places));
        self.count("isolated leaders of the store");
        self.log(|| format!("the store's leader is isolated with {places:x}"));
    }

    fn be_rough(&mut self) {
        let until = self.now + self.span(0.5, 5.0);
        self.net.be_rough(until);
        self.count("times messages were lost, doubled and late");
        self.log(|| format!("rough until {until:?}"));
    }

    /// A node leaves in order, and is started again some time later.
    pub(super) fn leave_and_come_back(&mut self) {
        let Some(node) = self.any() else { return };
        self.leave(node);
    }

    pub(super) fn leave(&mut self, node: usize) {
        let now = self.now;
        let Some(process) =
            self.process_mut(node).filter(|process| !process.leaving && process.frozen_until <= now)
        else {
            return;
        };
        process.leaving = true;
        process.engine.leave();
        self.log(|| format!("n{node} leaves"));
        self.turn(node);
    }

    /// A node comes that was not there before.
    pub(super) fn join(&mut self) {
        if self.hosts.len() < 8 {
            let node = self.add_host();
            self.count("joins");
            self.start(node);
        }
    }

    /// Those who have left come back.
    pub(super) fn come_back(&mut self) {
        for node in 0..self.hosts.len() {
            let is_away = self.process(node).is_none_or(|process| process.stopped);
            if is_away {
                self.start(node);
            }
        }
    }

    /// Nothing goes wrong any more.
    pub(super) fn heal(&mut self) {
        let now = self.now;
        self.net.heal();
        self.keys.down_until = now;
        self.store.down_until = now;
        self.store.isolated = None;
        self.calm = true;
        self.log(|| "all is healed".into());
    }
}
