//! [`Reacted`]: how a process has reacted, to be compared with how it should.

use std::fmt::{self, Debug};

use aether_actor::{Actor, Command, Effect, Handle, ProcessManager, React, Reaction, When};
use time::OffsetDateTime;

use super::shown::{Shown, due};
use super::{ProcessScenario, compare};

/// How a process has reacted.
pub struct Reacted<P: ProcessManager> {
    pub(super) scenario: ProcessScenario<P>,
    /// `None` if the event was not for any process.
    pub(super) reaction: Option<Reaction<P>>,
}

impl<P: ProcessManager> fmt::Debug for Reacted<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reacted").field("reaction", &self.reaction).finish_non_exhaustive()
    }
}

impl<P: ProcessManager> Reacted<P>
where
    P::Event: Debug + PartialEq,
{
    /// The event is for the process of this key.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn then_process(self, key: &str) -> Self {
        let _ = self.reaction();
        let process = self.scenario.history.actor.key().unwrap_or_default();
        compare::assert_same("it is another process", process == key, key, process);
        self
    }

    /// The event is not for any process.
    ///
    /// # Panics
    /// If it is.
    #[track_caller]
    pub fn then_ignored(self) -> Self {
        assert!(self.reaction.is_none(), "it is not ignored: it is for {}", self.scenario.history.actor);
        self
    }

    /// These events of its own happen, in this order, and no others.
    ///
    /// # Panics
    /// If it is not so, or the event was for no process.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = P::Event>) -> Self {
        let expected: Vec<P::Event> = expected.into_iter().collect();
        let expected: Vec<&P::Event> = expected.iter().collect();
        let events: Vec<&P::Event> = self.reaction().as_events().collect();
        compare::assert_same("other events happen", events == expected, &expected, &events);
        self
    }

    /// Nothing happens: there is no event, no command, no timer and no effect.
    ///
    /// # Panics
    /// As [`then`](Self::then).
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        let this = self.then([]);
        let shown = this.shown();
        compare::assert_same("something is sent or declared", shown.is_empty(), &[] as &[Shown], &shown[..]);
        this
    }

    /// This command is sent to the actor of this key, maybe beside others.
    ///
    /// # Panics
    /// If it is not, or the event was for no process.
    #[track_caller]
    pub fn then_sends<A: Handle<C>, C: Command>(self, key: &str, command: C) -> Self {
        let data = compare::read("the command", &compare::json("the command", &command));
        self.then_shown(&Shown::Sent {
            to: format!("{}-{key}", A::CATEGORY),
            command: C::NAME.to_owned(),
            data,
        })
    }

    /// No command is sent.
    ///
    /// # Panics
    /// If one is.
    #[track_caller]
    pub fn then_sends_nothing(self) -> Self {
        let sent: Vec<Shown> = self.reaction().sends().map(Shown::of_sent).collect();
        compare::assert_same("something is sent", sent.is_empty(), &[] as &[Shown], &sent[..]);
        self
    }

    /// This effect is declared, maybe beside others.
    ///
    /// # Panics
    /// As [`then_sends`](Self::then_sends).
    #[track_caller]
    pub fn then_effect<E: Effect>(self, expected: E) -> Self {
        let data = compare::read("the effect", &compare::json("the effect", &expected));
        self.then_shown(&Shown::Effect { name: E::NAME.to_owned(), data })
    }

    /// The timer of this name is set: at a time, or so long after now.
    ///
    /// # Panics
    /// As [`then_sends`](Self::then_sends).
    #[track_caller]
    pub fn then_timer(self, name: &str, when: impl Into<When>) -> Self {
        let expected = due(when.into(), self.scenario.history.now);
        let shown = self.shown();
        let is_it = |shown: &Shown| matches!(shown, Shown::Timer { name: of, at, .. } if of == name && *at == expected);
        assert!(shown.iter().any(is_it), "there is no timer {name:?} at {expected} among {shown:#?}");
        self
    }

    /// The timer of this name is cancelled.
    ///
    /// # Panics
    /// As [`then_sends`](Self::then_sends).
    #[track_caller]
    pub fn then_cancelled(self, name: &str) -> Self {
        self.then_shown(&Shown::Cancelled { name: name.to_owned() })
    }

    /// The state after it is so, as the closure asserts.
    pub fn then_state(self, look: impl FnOnce(&P)) -> Self {
        look(&self.scenario.history.state);
        self
    }

    /// It is now this time.
    #[must_use = "nothing is compared until it says `then`"]
    pub fn at(mut self, now: OffsetDateTime) -> Self {
        self.scenario.history.now = now;
        self
    }

    /// After it, this has happened to the actor of this key; as [`ProcessScenario::when`].
    ///
    /// # Panics
    /// As [`ProcessScenario::when`].
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when<A: Actor>(self, key: &str, event: A::Event) -> Self
    where
        P: React<A>,
    {
        self.scenario.when::<A>(key, event)
    }

    /// After it, a command was answered; as [`ProcessScenario::when_answered`].
    ///
    /// # Panics
    /// As [`ProcessScenario::when_answered`].
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when_answered<A: Handle<C>, C: Command>(
        self,
        key: &str,
        command: C,
        answer: Result<A::Reply, A::Error>,
    ) -> Self {
        self.scenario.when_answered::<A, C>(key, command, answer)
    }

    /// After it, a timer has come; as [`ProcessScenario::when_timed_out`].
    #[must_use = "nothing is compared until it says `then`"]
    #[track_caller]
    pub fn when_timed_out(self, timer: &str) -> Self {
        self.scenario.when_timed_out(timer)
    }

    #[track_caller]
    fn then_shown(self, expected: &Shown) -> Self {
        let shown = self.shown();
        if !shown.contains(expected) {
            compare::assert_same("it is neither sent nor declared", false, &[expected][..], &shown[..]);
        }
        self
    }

    #[track_caller]
    fn shown(&self) -> Vec<Shown> {
        let now = self.scenario.history.now;
        let reaction = self.reaction();
        let declared = reaction.declared().map(|declared| Shown::of(declared, now));
        reaction.sends().map(Shown::of_sent).chain(declared).collect()
    }

    #[track_caller]
    fn reaction(&self) -> &Reaction<P> {
        match &self.reaction {
            Some(reaction) => reaction,
            None => panic!("it is ignored: the event is for no process"),
        }
    }
}
