//! All keys below a prefix.

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::{CoordinationError, Entry, Key};

/// How many keys are read at a time.
const AT_A_TIME: usize = 64;

impl Bucket {
    /// The leader names the subjects and gives the last message of each: replicas may be behind, and it is not. Each
    /// question has a deadline of its own, since there may be any number of keys.
    pub(crate) async fn entries(&self, prefix: &Key) -> Result<Vec<Entry>, CoordinationError> {
        let keys = self.keys(prefix).await?;
        let read = stream::iter(keys).map(|key| async move {
            let last = self.last(&key, Instant::now() + self.deadline).await?;
            Ok::<_, CoordinationError>(last.and_then(|last| last.into_entry(&key)))
        });
        let read = read.buffer_unordered(AT_A_TIME).try_filter_map(|entry| async move { Ok(entry) });
        let mut entries: Vec<Entry> = read.try_collect().await?;
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    async fn keys(&self, prefix: &Key) -> Result<Vec<Key>, CoordinationError> {
        self.check_not_refused()?;
        let below = format!("{}.>", self.subject(prefix));
        let start = self.subject(&Key::root("")).len() - 1;
        let (mut keys, mut seen) = (Vec::new(), 0);
        loop {
            let deadline = Instant::now() + self.deadline;
            let page = self.api.info(Some((&below, seen)), deadline).await.map_err(|e| self.explain(e))?;
            self.check_created(&page.created)?;
            let found = page.state.subjects.len();
            seen += found;
            // What no key of ours is called was not written by us.
            let named = page.state.subjects.keys().filter_map(|subject| subject.get(start..));
            keys.extend(named.filter_map(|key| Key::parse(key).ok()));
            if found == 0 || seen >= page.total {
                return Ok(keys);
            }
        }
    }
}
