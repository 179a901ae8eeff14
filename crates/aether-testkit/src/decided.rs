//! [`Decided`]: what an actor has made of a command, to be compared with what it should.

use std::fmt::{self, Debug};

use aether_actor::{Answer, Command, Decision, Effect, Handle, Query, When};
use time::OffsetDateTime;

use super::shown::{Shown, due};
use super::{Scenario, compare};

/// What an actor has made of a command.
pub struct Decided<A: Handle<C>, C: Command> {
    pub(super) scenario: Scenario<A>,
    pub(super) decided: Result<Decision<A, A::Reply>, A::Error>,
}

impl<A: Handle<C>, C: Command> fmt::Debug for Decided<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = self.decided.as_ref().err();
        f.debug_struct("Decided")
            .field("command", &C::NAME)
            .field("refusal", &refusal)
            .finish_non_exhaustive()
    }
}

impl<A: Handle<C>, C: Command> Decided<A, C>
where
    A::Event: Debug + PartialEq,
{
    /// These events happen, in this order, and no others.
    ///
    /// # Panics
    /// If it is not so, or the command is refused.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = A::Event>) -> Self {
        let expected: Vec<A::Event> = expected.into_iter().collect();
        let events = self.decision().as_events();
        compare::assert_same("other events happen", events == expected, &expected[..], events);
        self
    }

    /// Nothing happens: there is no event, no timer and no effect. There is a reply.
    ///
    /// # Panics
    /// As [`then`](Self::then).
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        let this = self.then([]);
        let declared = this.declared();
        compare::assert_same("something is declared", declared.is_empty(), &[] as &[Shown], &declared[..]);
        this
    }

    /// The caller gets this reply.
    ///
    /// # Panics
    /// If it is another one, or the command is refused.
    #[track_caller]
    pub fn then_reply(self, expected: &A::Reply) -> Self
    where
        A::Reply: Debug + PartialEq,
    {
        let reply = compare::there_and_back("the reply", self.decision().as_reply());
        compare::assert_same("the reply is another one", reply == *expected, expected, &reply);
        self
    }

    /// The command is refused with this error.
    ///
    /// # Panics
    /// If it is not, or with another one.
    #[track_caller]
    pub fn then_error(self, expected: A::Error) -> Self
    where
        A::Error: PartialEq,
    {
        match &self.decided {
            Ok(decision) => {
                let events = decision.as_events();
                panic!("{} is not refused with {expected:?}: what happens is {events:#?}", C::NAME)
            }
            Err(error) => {
                let error = compare::there_and_back("the error", error);
                compare::assert_same("the error is another one", error == expected, &expected, &error);
            }
        }
        self
    }

    /// This effect is declared, maybe beside others.
    ///
    /// # Panics
    /// If it is not, or the command is refused.
    #[track_caller]
    pub fn then_effect<E: Effect>(self, expected: E) -> Self {
        let data = compare::read("the effect", &compare::json("the effect", &expected));
        self.then_declared(Shown::Effect { name: E::NAME.to_owned(), data })
    }

    /// The timer of this name is set: at a time, or so long after the decision, with this command.
    ///
    /// # Panics
    /// If it is not, or the command is refused.
    #[track_caller]
    pub fn then_timer<D: Command>(self, name: &str, when: impl Into<When>, command: D) -> Self
    where
        A: Handle<D>,
    {
        let data = compare::read("the command", &compare::json("the command", &command));
        let at = due(when.into(), self.scenario.history.now);
        self.then_declared(Shown::Timer { name: name.to_owned(), at, command: D::NAME.to_owned(), data })
    }

    /// The timer of this name is cancelled.
    ///
    /// # Panics
    /// If it is not, or the command is refused.
    #[track_caller]
    pub fn then_cancelled(self, name: &str) -> Self {
        self.then_declared(Shown::Cancelled { name: name.to_owned() })
    }

    /// The state after it is so, as the closure asserts. Of a refused command, it is the state before.
    pub fn then_state(self, look: impl FnOnce(&A)) -> Self {
        look(&self.scenario.history.state);
        self
    }

    /// The answer to this query, after the command, is so.
    ///
    /// # Panics
    /// If it is not, or the actor does not list the query.
    #[track_caller]
    pub fn then_answer<Q: Query>(mut self, query: Q, expected: &<A as Answer<Q>>::Reply) -> Self
    where
        A: Answer<Q>,
        <A as Answer<Q>>::Reply: Debug + PartialEq,
    {
        self.scenario = self.scenario.then_answer(query, expected);
        self
    }

    /// It is now this time.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.scenario.history.now = now;
        self
    }

    /// After it, this command comes.
    ///
    /// # Panics
    /// As [`Scenario::when`].
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when<D: Command>(self, command: D) -> Decided<A, D>
    where
        A: Handle<D>,
    {
        self.scenario.when(command)
    }

    #[track_caller]
    fn then_declared(self, expected: Shown) -> Self {
        let declared = self.declared();
        if !declared.contains(&expected) {
            compare::assert_same("it is not declared", false, &[expected][..], &declared[..]);
        }
        self
    }

    #[track_caller]
    fn decision(&self) -> &Decision<A, A::Reply> {
        match &self.decided {
            Ok(decision) => decision,
            Err(error) => panic!("{} is refused: {error} ({error:?})", C::NAME),
        }
    }

    #[track_caller]
    fn declared(&self) -> Vec<Shown> {
        let now = self.scenario.history.now;
        self.decision().declared().map(|declared| Shown::of(declared, now)).collect()
    }
}
