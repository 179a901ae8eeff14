//! [`Query`] and [`Answer`]: what an actor tells of itself.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Actor;
use crate::dispatch::QueryTable;

/// Something that an actor is asked to tell. Derive it: `#[derive(Query)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    note = "add `#[derive(Serialize, Deserialize, Query)]`"
)]
pub trait Query: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which it travels: by default the name of the type.
    const NAME: &'static str;
}

/// How an actor answers a query: from its state, without any effect.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer the query `{Q}`",
    label = "no `impl Answer<{Q}> for {Self}`",
    note = "implement `Answer<{Q}>` for `{Self}`, and list `{Q}` in its `Actor::Queries`"
)]
pub trait Answer<Q: Query>: Actor {
    /// What the caller gets.
    type Reply: Serialize + DeserializeOwned + Send + 'static;

    /// Answers. It runs on the thread of whoever asks, while the actor waits: it should be short.
    fn answer(&self, query: &Q) -> Self::Reply;
}

/// The queries of an actor: a tuple of up to 24 of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of queries that `{A}` answers",
    note = "`Actor::Queries` is a tuple such as `(Total,)`, and `{A}` needs `Answer` for each of them"
)]
pub trait QueryList<A: Actor> {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// For the runtime: how each is answered to whoever put it elsewhere.
    #[doc(hidden)]
    fn register(table: &mut QueryTable<A>);
}

macro_rules! query_lists {
    ($($query:ident)*) => {
        impl<A: Actor, $($query: Query),*> QueryList<A> for ($($query,)*)
        where
            $(A: Answer<$query>),*
        {
            const NAMES: &'static [&'static str] = &[$($query::NAME),*];

            fn register(_table: &mut QueryTable<A>) {
                $(_table.add::<$query>();)*
            }
        }
    };
}

crate::list::for_each_arity!(query_lists);

/// Fails the build if the actor does not list the query.
pub(crate) const fn assert_listed<A: Actor, Q: Query>() {
    assert!(
        crate::list::contains(<A::Queries as QueryList<A>>::NAMES, Q::NAME),
        "this query is not listed in `Actor::Queries` of the actor that it is put to"
    );
}
