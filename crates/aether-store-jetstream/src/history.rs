//! Reading one actor's commits by their links.
//!
//! Each commit carries the sequences of the commits before it, so the history is found by walking from the last one
//! backwards, sixteen commits a step, keeping only sequences; then the commits are fetched forwards, many at a time, in
//! bounded memory. Where links cannot be followed (a foreign writer's commit without links, a stream that was
//! re-sequenced by an import, a very long history), the actor's subject is read by filter instead, which costs the server
//! time in proportion to the stream.

use std::sync::Arc;

use aether_core::{ActorId, CommitStream, Head, HistoryIncomplete, ReadError, RecordedCommit, Version};
use aether_nats::Backoff;
use async_stream::try_stream;
use futures_util::{Stream, StreamExt, pin_mut, stream};
use tokio::time::Instant;

use crate::consumer::Ordered;
use crate::open::bounds;
use crate::store::Inner;
use crate::stored_commit::StoredCommit;

/// The number of commits that are fetched at a time.
const WINDOW: usize = 32;
/// The number of commits that are fetched at a time on the way back: few, since most readers stop early.
const BACKWARD_WINDOW: usize = 4;
/// Beyond this many commits a history is read by filter, which is faster then.
const MAX_WALK: usize = 65_536;

/// The point from which an actor's history is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ReadStart {
    /// The commits after this one.
    Commit(Head),
    /// The commits that have events of this version and above.
    Version(Version),
}

impl ReadStart {
    /// The sequence below which nothing is wanted.
    fn sequence(self) -> u64 {
        match self {
            Self::Commit(head) => head.sequence(),
            Self::Version(_) => 0,
        }
    }

    /// Returns whether everything before this commit lies below what is wanted.
    fn is_reached_by(self, commit: &StoredCommit) -> bool {
        match self {
            Self::Commit(_) => false,
            Self::Version(from) => {
                commit.first_version().is_some_and(|first| first <= from.max(Version::new(1)))
            }
        }
    }
}

/// The way in which an actor's commits are found.
enum Way {
    /// These sequences, newest first, and the sequence that the oldest must link to, if that is known.
    Links(Vec<u64>, Option<u64>),
    /// All messages on the actor's subject after this sequence. Whether the links are good for a check.
    Filter { after: u64, checked: bool },
}

impl Inner {
    /// The actor's last commit, through the leader, not older than what is known already.
    pub(crate) async fn last_commit(
        &self,
        actor: &ActorId,
        floor: u64,
        deadline: Instant,
    ) -> Result<Option<StoredCommit>, ReadError> {
        let subject = self.subject(actor);
        let mut backoff = Backoff::until(deadline);
        loop {
            let last = self.events.last(&subject, deadline).await?;
            let sequence = last.as_ref().map_or(0, |last| last.sequence);
            if sequence >= floor {
                return last.map(StoredCommit::decode).transpose();
            }
            // A history behind what is known is a deposed leader's, unless it has expired.
            if last.is_none() && self.retention.is_some() {
                let (first, _) = bounds(&self.events, deadline).await?;
                if first > floor {
                    return Ok(None);
                }
            }
            if !backoff.wait().await {
                return Err(HistoryIncomplete::new(actor.clone(), None).into());
            }
        }
    }

    async fn fetch(&self, sequence: u64) -> Result<Option<StoredCommit>, ReadError> {
        let deadline = Instant::now() + self.timeouts.read;
        let message = self.events.message(sequence, deadline).await?;
        message.map(StoredCommit::decode).transpose()
    }

    /// The actor's commits from there, in order.
    pub(crate) fn commits(self: Arc<Self>, actor: ActorId, from: ReadStart) -> CommitStream {
        let stream = try_stream! {
            let deadline = Instant::now() + self.timeouts.read;
            let floor = self.heads.known_sequence(&actor).max(from.sequence());
            let Some(last) = self.last_commit(&actor, floor, deadline).await? else { return };
            self.heads.learn(&actor, &last.known());
            if last.sequence <= from.sequence() {
                return;
            }
            let end = last.sequence;
            match self.walk(&actor, last, from).await? {
                Way::Links(sequences, oldest_links_to) => {
                    let commits = self.forwards(&actor, sequences, oldest_links_to, from);
                    pin_mut!(commits);
                    while let Some(commit) = commits.next().await {
                        yield commit?;
                    }
                }
                Way::Filter { after, checked } => {
                    let commits = self.filtered(&actor, after, end, checked, from);
                    pin_mut!(commits);
                    while let Some(commit) = commits.next().await {
                        yield commit?;
                    }
                }
            }
        };
        stream.boxed()
    }

    /// Walks the links from the last commit back to `from`.
    async fn walk(&self, actor: &ActorId, last: StoredCommit, from: ReadStart) -> Result<Way, ReadError> {
        let subject = self.subject(actor);
        let after = from.sequence();
        let mut sequences = vec![last.sequence];
        let mut oldest = last;
        loop {
            if from.is_reached_by(&oldest) {
                return Ok(Way::Links(sequences, None));
            }
            let Some(links) = &oldest.commit.links else {
                return Ok(Way::Filter { after, checked: false });
            };
            if links.first().is_some_and(|&link| link >= oldest.sequence) {
                return Ok(Way::Filter { after, checked: false });
            }
            for &link in links {
                if link <= after {
                    return Ok(Way::Links(sequences, None));
                }
                sequences.push(link);
            }
            if links.is_empty() {
                return Ok(Way::Links(sequences, Some(0)));
            }
            if sequences.len() > MAX_WALK {
                return Ok(Way::Filter { after, checked: true });
            }
            let Some(&next) = sequences.last() else { return Ok(Way::Links(sequences, None)) };
            match self.fetch(next).await? {
                // Found out again, with all that it means, when the commits are fetched forwards.
                None => return Ok(Way::Links(sequences, None)),
                Some(commit) if *commit.subject != *subject => {
                    return Ok(Way::Filter { after, checked: false });
                }
                Some(commit) => oldest = commit,
            }
        }
    }

    /// Fetches the commits of these sequences (newest first) oldest first, and checks that each links to the one before.
    fn forwards<'s>(
        &'s self,
        actor: &'s ActorId,
        sequences: Vec<u64>,
        oldest_links_to: Option<u64>,
        from: ReadStart,
    ) -> impl Stream<Item = Result<RecordedCommit, ReadError>> + 's {
        try_stream! {
            let mut previous = oldest_links_to;
            let mut hole = false;
            let mut fetched = stream::iter(sequences.into_iter().rev())
                .map(|sequence| async move { (sequence, self.fetch(sequence).await) })
                .buffered(WINDOW);
            while let Some((sequence, commit)) = fetched.next().await {
                let Some(commit) = commit? else {
                    hole = true;
                    previous = Some(sequence);
                    continue;
                };
                hole |= previous.is_some_and(|previous| !commit.follows(previous));
                previous = Some(sequence);
                // What is missing below the versions that are asked for is not missed.
                hole &= !from.is_reached_by(&commit);
                if !hole {
                    yield commit.into_recorded();
                } else if let Some(first) = commit.first_version() {
                    Err(HistoryIncomplete::new(actor.clone(), Some(first)))?;
                }
            }
            if hole {
                Err(HistoryIncomplete::new(actor.clone(), None))?;
            }
        }
    }

    /// Reads the actor's subject up to the sequence `end`, and checks the links as they pass.
    fn filtered<'s>(
        &'s self,
        actor: &'s ActorId,
        after: u64,
        end: u64,
        checked: bool,
        from: ReadStart,
    ) -> impl Stream<Item = Result<RecordedCommit, ReadError>> + 's {
        try_stream! {
            let subject = self.subject(actor);
            let mut reader = Ordered::new(&self.events, &subject, after + 1, self.timeouts.read);
            let mut previous = None;
            while let Some(message) = reader.next_until(end).await? {
                let commit = StoredCommit::decode(message)?;
                let sequence = commit.sequence;
                // Before the first commit that is seen there must be none, or none that is wanted.
                let expected = previous.unwrap_or(after);
                let whole = !checked
                    || commit.follows(expected)
                    || (previous.is_none() && from.is_reached_by(&commit));
                if !whole {
                    Err(HistoryIncomplete::new(actor.clone(), commit.first_version()))?;
                }
                previous = Some(sequence);
                yield commit.into_recorded();
            }
        }
    }

    /// The actor's commits from `last` on backwards.
    pub(crate) fn backwards<'s>(
        &'s self,
        actor: &'s ActorId,
        last: StoredCommit,
    ) -> impl Stream<Item = Result<RecordedCommit, ReadError>> + 's {
        try_stream! {
            let subject = self.subject(actor);
            let (mut links, mut sequence) = (last.commit.links.clone(), last.sequence);
            let mut first_read = last.first_version();
            yield last.into_recorded();
            loop {
                let older = match links.take() {
                    Some(links) if links.first().is_none_or(|&link| link < sequence) => links,
                    _ => self.sequences_before(&subject, sequence).await?,
                };
                if older.is_empty() {
                    return;
                }
                let mut fetched = stream::iter(older)
                    .map(|sequence| async move { (sequence, self.fetch(sequence).await) })
                    .buffered(BACKWARD_WINDOW);
                while let Some((at, commit)) = fetched.next().await {
                    let Some(commit) = commit? else {
                        Err(HistoryIncomplete::new(actor.clone(), first_read))?;
                        return;
                    };
                    links = None;
                    if *commit.subject != *subject {
                        // Re-sequenced: the links name other actors' messages.
                        break;
                    }
                    sequence = at;
                    links.clone_from(&commit.commit.links);
                    first_read = commit.first_version().or(first_read);
                    yield commit.into_recorded();
                }
            }
        }
    }

    /// The sequences of all messages on a subject before this one, newest first; found by filter.
    async fn sequences_before(&self, subject: &str, before: u64) -> Result<Vec<u64>, ReadError> {
        let mut found = Vec::new();
        let mut reader = Ordered::new(&self.events, subject, 1, self.timeouts.read).headers_only();
        while let Some(message) = reader.next_until(before - 1).await? {
            found.push(message.sequence);
        }
        found.reverse();
        Ok(found)
    }
}
