//! [`delegate_store!`](crate::delegate_store): the operations of a wrapped store that a wrapper does not change, and the
//! store behind an [`Arc`].
//!
//! The methods are written out as `async_trait` writes them, so that a call passes the wrapped store's future on and
//! allocates nothing.

use std::sync::Arc;

use crate::{EventStore, SnapshotStore, Subscribe};

/// Writes methods of a store that call the same method of another store.
///
/// For wrappers, which change a few operations and pass on the others. It stands inside the `impl` block of
/// [`EventStore`], [`SnapshotStore`] or [`Subscribe`] and takes `self`, the wrapped store, and the names of the methods to
/// pass on. The names are listed so that the compiler reports an operation that was added to the trait: a wrapper must
/// decide about each.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use aether_core::{Commit, EventStore, SaveError, Saved, delegate_store};
/// use async_trait::async_trait;
///
/// /// A store that counts its saves.
/// #[derive(Debug)]
/// struct Counting<S> {
///     store: S,
///     saves: AtomicU64,
/// }
///
/// #[async_trait]
/// impl<S: EventStore> EventStore for Counting<S> {
///     async fn save(&self, commit: &Commit<'_>) -> Result<Saved, SaveError> {
///         self.saves.fetch_add(1, Ordering::Relaxed);
///         self.store.save(commit).await
///     }
///
///     delegate_store!(self => self.store; confirm, get_head, get_events, get_events_backward, get_commits, get_all,
///         get_actors);
/// }
/// ```
#[macro_export]
macro_rules! delegate_store {
    ($self:ident => $inner:expr; $($method:ident),+ $(,)?) => {
        $($crate::__delegate_store_method!($method, $self, $inner);)+
    };
}

/// Writes one method: without `await` the future of the wrapped store is the result.
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate_store_method {
    (save, $self:ident, $inner:expr) => {
        fn save<'life0, 'life1, 'life2, 'async_trait>(
            &'life0 $self,
            commit: &'life1 $crate::Commit<'life2>,
        ) -> $crate::__BoxFuture<'async_trait, ::std::result::Result<$crate::Saved, $crate::SaveError>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            'life2: 'async_trait,
            Self: 'async_trait,
        {
            $inner.save(commit)
        }
    };
    (confirm, $self:ident, $inner:expr) => {
        fn confirm<'life0, 'life1, 'async_trait>(
            &'life0 $self,
            actor: &'life1 $crate::ActorId,
            head: $crate::Head,
        ) -> $crate::__BoxFuture<'async_trait, ::std::result::Result<bool, $crate::SaveError>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            $inner.confirm(actor, head)
        }
    };
    (get_head, $self:ident, $inner:expr) => {
        fn get_head<'life0, 'life1, 'async_trait>(
            &'life0 $self,
            actor: &'life1 $crate::ActorId,
        ) -> $crate::__BoxFuture<'async_trait, ::std::result::Result<$crate::Head, $crate::ReadError>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            $inner.get_head(actor)
        }
    };
    (get_events, $self:ident, $inner:expr) => {
        fn get_events(&$self, actor: &$crate::ActorId, from: $crate::Version) -> $crate::EventStream {
            $inner.get_events(actor, from)
        }
    };
    (get_events_backward, $self:ident, $inner:expr) => {
        fn get_events_backward(&$self, actor: &$crate::ActorId, from: $crate::Version) -> $crate::EventStream {
            $inner.get_events_backward(actor, from)
        }
    };
    (get_commits, $self:ident, $inner:expr) => {
        fn get_commits(&$self, actor: &$crate::ActorId, after: $crate::Head) -> $crate::CommitStream {
            $inner.get_commits(actor, after)
        }
    };
    (get_all, $self:ident, $inner:expr) => {
        fn get_all(&$self, from: $crate::ReadFrom, limit: usize) -> $crate::EventStream {
            $inner.get_all(from, limit)
        }
    };
    (get_actors, $self:ident, $inner:expr) => {
        fn get_actors<'life0, 'life1, 'life2, 'async_trait>(
            &'life0 $self,
            category: &'life1 str,
            after: ::std::option::Option<&'life2 $crate::ActorId>,
            limit: usize,
        ) -> $crate::__BoxFuture<
            'async_trait,
            ::std::result::Result<::std::vec::Vec<$crate::ActorId>, $crate::ReadError>,
        >
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            'life2: 'async_trait,
            Self: 'async_trait,
        {
            $inner.get_actors(category, after, limit)
        }
    };
    (save_snapshot, $self:ident, $inner:expr) => {
        fn save_snapshot<'life0, 'life1, 'async_trait>(
            &'life0 $self,
            snapshot: &'life1 $crate::ActorSnapshot,
        ) -> $crate::__BoxFuture<'async_trait, ::std::result::Result<$crate::SnapshotSaved, $crate::SnapshotError>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            $inner.save_snapshot(snapshot)
        }
    };
    (load_snapshot, $self:ident, $inner:expr) => {
        fn load_snapshot<'life0, 'life1, 'async_trait>(
            &'life0 $self,
            actor: &'life1 $crate::ActorId,
        ) -> $crate::__BoxFuture<
            'async_trait,
            ::std::result::Result<::std::option::Option<$crate::ActorSnapshot>, $crate::SnapshotError>,
        >
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            $inner.load_snapshot(actor)
        }
    };
    (subscribe, $self:ident, $inner:expr) => {
        fn subscribe<'life0, 'life1, 'async_trait>(
            &'life0 $self,
            options: &'life1 $crate::SubscribeOptions,
        ) -> $crate::__BoxFuture<'async_trait, ::std::result::Result<$crate::Subscription, $crate::ReadError>>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            $inner.subscribe(options)
        }
    };
}

impl<S: EventStore + ?Sized> EventStore for Arc<S> {
    delegate_store!(self => **self; save, confirm, get_head, get_events, get_events_backward, get_commits, get_all,
        get_actors);
}

impl<S: SnapshotStore + ?Sized> SnapshotStore for Arc<S> {
    delegate_store!(self => **self; save_snapshot, load_snapshot);
}

impl<S: Subscribe + ?Sized> Subscribe for Arc<S> {
    delegate_store!(self => **self; subscribe);
}
