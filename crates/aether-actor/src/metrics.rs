//! [`KindMetrics`]: what is counted of the actors of one kind.

use std::future::Future;

/// What is counted of the actors of one kind.
#[derive(Debug)]
pub(crate) struct KindMetrics {}

impl KindMetrics {
    pub(crate) fn new(_namespace: Option<&str>, _category: &'static str) -> Self {
        Self {}
    }

    /// Times a decision over so many commands.
    pub(crate) fn decided<T>(&self, _commands: usize, decide: impl FnOnce() -> T) -> T {
        decide()
    }

    /// Times a loading.
    pub(crate) async fn activated<T>(&self, load: impl Future<Output = T>) -> T {
        load.await
    }

    /// Times an ask.
    pub(crate) async fn asked<T>(&self, ask: impl Future<Output = T>) -> T {
        ask.await
    }

    pub(crate) fn conflict(&self) {}
    pub(crate) fn unresolved(&self) {}
    pub(crate) fn panicked(&self, _panics: u32) {}
    pub(crate) fn answered(&self, _name: &'static str) {}
    pub(crate) fn failed(&self, _outcome: &'static str) {}
    pub(crate) fn moved_in(&self) {}
    pub(crate) fn moved_out(&self, _reason: &'static str) {}
    pub(crate) fn parked(&self, _count: usize) {}
    pub(crate) fn snapshot(&self, _outcome: &'static str) {}
}
