//! Tries again while the store cannot be reached, and gives up after a while.

use std::fmt::Display;
use std::time::Duration;

use aether::{ReadError, SaveError};
use anyhow::{Context, Result, bail};

use crate::progress::Progress;

/// How long one thing is tried.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// An error that may go away.
pub(crate) trait Retryable: std::error::Error + Send + Sync + 'static {
    fn is_retryable(&self) -> bool;
}

impl Retryable for SaveError {
    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

impl Retryable for ReadError {
    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

/// Does something until it succeeds or fails for good.
///
/// Saving again is safe, also after an unknown outcome: the store recognises events by their ids.
pub(crate) async fn patiently<T, E, F>(
    progress: &Progress,
    what: impl Display,
    mut attempt: impl FnMut() -> F,
) -> Result<T>
where
    E: Retryable,
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    let mut last = None;
    let patient = async {
        loop {
            match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_retryable() => {
                    progress.wait(&error);
                    last = Some(error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, patient).await {
        Ok(result) => result.with_context(|| what.to_string()),
        Err(_) => match last {
            Some(error) => Err(error).with_context(|| {
                format!(
                    "{what}: given up after {} s; run the same command again to go on",
                    PATIENCE.as_secs()
                )
            }),
            None => {
                bail!("{what}: no answer in {} s; run the same command again to go on", PATIENCE.as_secs())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_may_go_away_is_tried_again_and_nothing_else() {
        let progress = Progress::new("testing", 0);
        let mut answers = vec![
            Err(SaveError::TooLarge { size: 2, limit: 1 }),
            Ok(7),
            Err(SaveError::UnknownOutcome("no answer".into())),
            Err(SaveError::Unavailable("down".into())),
        ];
        let mut answer = || std::future::ready(answers.pop().unwrap());
        assert_eq!(patiently(&progress, "saving", &mut answer).await.unwrap(), 7);
        let error = patiently(&progress, "saving", &mut answer).await.unwrap_err();
        assert!(format!("{error:#}").starts_with("saving: the commit takes 2 bytes"), "{error:#}");
    }
}
