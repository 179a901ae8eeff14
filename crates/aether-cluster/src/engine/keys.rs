//! What is read of the keys, and what becomes of writes.

use std::time::Duration;

use aether_coordination::{Condition, CoordinationError, Revision};
use bytes::Bytes;

use super::election::Written;
use super::{Action, Engine, Found, TRY_AGAIN};
use crate::plan::Plan;
use crate::record::{Leader, Name, from_json};
use crate::{ClusterError, Member};

impl Engine {
    /// A key was read.
    pub(crate) fn looked(&mut self, name: Name, found: Result<Found, CoordinationError>, now: Duration) {
        self.attention = true;
        match (name, found) {
            (Name::Leader, Ok(found)) => {
                let leader = found.and_then(|(value, revision)| {
                    // What nobody can read is taken over.
                    from_json::<Leader>(&value).ok().map(|leader| (leader, revision))
                });
                let around = self.around(now);
                self.elect(now, |election, steps| election.looked(leader, around, now, steps));
            }
            (Name::Leader, Err(error)) => {
                self.election.blind(now);
                self.check(error);
            }
            (Name::Plan, Ok(found)) => self.stamp(found, now),
            (Name::Plan, Err(error)) => {
                self.leading.again_at = now + TRY_AGAIN;
                self.check(error);
            }
            (_, Err(error)) => self.check(error),
            (Name::Settings | Name::Member(_), Ok(_)) => {}
        }
    }

    /// All keys were read.
    pub(crate) fn looked_at_all(
        &mut self,
        found: Result<Vec<(Name, Bytes, Revision)>, CoordinationError>,
        now: Duration,
    ) {
        self.looking = false;
        self.attention = true;
        match found {
            Ok(entries) => {
                let as_of = entries.iter().map(|(_, _, revision)| *revision).max();
                let mut members = Vec::new();
                for (name, value, revision) in entries {
                    match name {
                        Name::Member(_) => members.extend(self.read_member(&value, revision)),
                        _ => self.saw(name, &value, revision, now),
                    }
                }
                self.members.are(members, as_of);
            }
            Err(error) => {
                self.look_at = now + TRY_AGAIN;
                self.check(error);
            }
        }
    }

    /// A key has changed. That is a hint, but what is written is written.
    pub(crate) fn saw(&mut self, name: Name, value: &Bytes, revision: Revision, now: Duration) {
        match name {
            Name::Plan => match from_json::<Plan>(value) {
                Ok(plan) => self.take_plan(plan, revision, now),
                Err(error) => {
                    tracing::warn!(%error, "the plan cannot be read: another version of the program has written it")
                }
            },
            Name::Member(_) => {
                if let Some((member, revision)) = self.read_member(value, revision) {
                    self.attention |= self.members.saw(member, revision);
                }
            }
            Name::Leader => match from_json::<Leader>(value) {
                Ok(leader) => self.saw_sequence(leader.sequence),
                Err(error) => tracing::warn!(%error, "the leader's key cannot be read"),
            },
            Name::Settings => {}
        }
    }

    /// A key is not there any more.
    pub(crate) fn saw_deleted(&mut self, name: &Name) {
        if let Name::Member(_) = name {
            // By whom, and what was there since, is found out by reading.
            self.look_at = Duration::ZERO;
            self.attention = true;
        }
    }

    /// A write has ended: the one of that number.
    pub(crate) fn wrote(
        &mut self,
        number: u64,
        name: Name,
        result: Result<Revision, CoordinationError>,
        now: Duration,
    ) {
        if self.writes.get(&name) != Some(&number) {
            // Another one has been begun since: what counts is what comes of that.
            return;
        }
        self.attention = true;
        let written = match &result {
            Ok(revision) => Written::At(*revision),
            Err(CoordinationError::Conflict { .. }) => Written::Conflict,
            // One that was certainly not sent may as well be tried again.
            Err(error) if error.is_retryable() => Written::Unknown,
            Err(_) => Written::Conflict,
        };
        if let Err(error) = result {
            self.check(error);
        }
        match name {
            Name::Leader => {
                let around = self.around(now);
                self.elect(now, |election, steps| election.wrote(written, around, now, steps));
            }
            Name::Plan => self.wrote_plan(written, now),
            Name::Member(_) => {
                self.members.wrote(written);
                if written == Written::Conflict {
                    self.look_at = now;
                }
            }
            Name::Settings => {}
        }
    }

    /// What cannot get better by itself ends the node.
    pub(super) fn check(&mut self, error: CoordinationError) {
        if !error.is_retryable() && !error.is_conflict() {
            self.actions.push_back(Action::Fail(ClusterError::Coordination(error)));
        }
    }

    pub(super) fn put(&mut self, name: Name, value: Bytes, condition: Condition) {
        let number = self.writes.entry(name.clone()).or_default();
        *number += 1;
        self.actions.push_back(Action::Put(*number, name, value, condition));
    }

    pub(super) fn read_member(&self, value: &Bytes, revision: Revision) -> Option<(Member, Revision)> {
        match from_json::<Member>(value) {
            Ok(member) => Some((member, revision)),
            Err(error) => {
                tracing::warn!(%error, "the record of a member cannot be read: another version of the program has written it");
                None
            }
        }
    }
}
