//! [`Waiting`]: the subscriptions that have read everything, and are to be woken by the next save.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

type Wakers = BTreeMap<u64, Waker>;

/// Who is to be woken by the next save. While nobody waits, that costs a save the reading of one word that nobody writes.
#[derive(Default)]
pub(crate) struct Waiting {
    anybody: AtomicBool,
    wakers: Mutex<Wakers>,
}

impl Waiting {
    /// Has `waker` woken by the next [`wake_all`](Self::wake_all), in place of what `id` waited with before.
    ///
    /// Whoever calls this looks once more whether there is something new before it goes to sleep. This call and that
    /// look, and on the other side the taking of a place in the order and [`wake_all`](Self::wake_all), are all of one
    /// sequentially consistent order: either the look sees the commit, or the saver sees who waits.
    pub(crate) fn wait(&self, id: u64, waker: &Waker) {
        let mut wakers = self.lock();
        wakers.insert(id, waker.clone());
        self.anybody.store(true, Ordering::SeqCst);
    }

    /// Takes `id` off the list.
    pub(crate) fn forget(&self, id: u64) {
        self.lock().remove(&id);
    }

    /// Wakes all that wait. Called after a commit has taken its place in the order, without a lock.
    pub(crate) fn wake_all(&self) {
        if self.anybody.load(Ordering::SeqCst) {
            let mut wakers = self.lock();
            self.anybody.store(false, Ordering::SeqCst);
            let woken = std::mem::take(&mut *wakers);
            drop(wakers);
            woken.into_values().for_each(Waker::wake);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Wakers> {
        // A waker may panic when it is cloned or dropped; the list is whole all the same.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("len", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_is_woken_once_and_not_after_it_was_forgotten() {
        let (waiting, count) = (Waiting::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        let woken = || count.0.load(Ordering::Relaxed);
        waiting.wake_all();
        waiting.wait(1, &waker);
        waiting.wait(1, &waker);
        waiting.wait(2, &waker);
        waiting.wake_all();
        assert_eq!(woken(), 2);
        waiting.wake_all();
        assert_eq!(woken(), 2);
        waiting.wait(1, &waker);
        waiting.forget(1);
        waiting.wake_all();
        assert_eq!(woken(), 2);
    }
}
