//! What can happen to the members of a group, and to its keys.

use std::time::Duration;

use super::world::{Input, World};

impl World {
    fn pick(&mut self) -> Option<usize> {
        let alive: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].alive && !self.nodes[*node].stopped)
            .collect();
        self.random.choice(alive)
    }

    pub(super) fn crash(&mut self) {
        if let Some(node) = self.pick() {
            self.nodes[node].alive = false;
        }
    }

    pub(super) fn stop(&mut self) {
        if let Some(node) = self.pick() {
            self.nodes[node].engine.stop();
            self.wake(node);
        }
    }

    pub(super) fn freeze(&mut self, span: Duration) {
        if let Some(node) = self.pick() {
            self.nodes[node].frozen_until = self.now + span;
        }
    }

    pub(super) fn cut_off(&mut self, span: Duration) {
        if let Some(node) = self.pick() {
            if !self.is_cut_off(node) {
                self.nodes[node].cut_off_since = self.now;
            }
            self.nodes[node].cut_off_until = self.now + span;
        }
    }

    pub(super) fn keys_down(&mut self, span: Duration) {
        self.down_until = self.now + span;
    }

    /// What a member reads comes to its end by itself.
    pub(super) fn end_reading(&mut self) {
        if let Some(node) = self.pick() {
            self.input(node, Input::ReadingEnded);
        }
    }
}
