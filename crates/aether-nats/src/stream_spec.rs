//! Opening streams, and comparing their settings.

use std::fmt;

use async_nats::Client;
use async_nats::jetstream::stream::{Config, PersistenceMode};
use tokio::time::Instant;

use crate::{Backoff, CallError, StreamApi, StreamInfo};

/// The reaction to a missing stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Create it.
    Create,
    /// Refuse to go on, with an error.
    Refuse,
}

/// The reasons why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The API of one domain was asked for, and that of another answered.
    #[error("the JetStream API of domain {wanted} was answered by {}", match found {
        Some(found) => format!("domain {found}"),
        None => "a server without a domain".to_owned(),
    })]
    WrongDomain {
        /// The domain that was asked for.
        wanted: String,
        /// The domain that answered.
        found: Option<String>,
    },
}

/// Waits until the client is connected, which may come about only now. Returns false at the deadline.
pub async fn wait_until_connected(client: &Client, deadline: Instant) -> bool {
    let mut backoff = Backoff::until(deadline);
    while client.try_server_info().is_none() {
        if !backoff.wait().await {
            return false;
        }
    }
    true
}

/// Opens a stream, and creates it as `wanted` if it is missing and that is asked for. From then on only acknowledgements of
/// its JetStream domain are believed.
///
/// # Errors
/// [`OpenError`].
pub async fn open(
    api: &mut StreamApi,
    wanted: &Config,
    missing: Missing,
    deadline: Instant,
) -> Result<StreamInfo, OpenError> {
    let info = match api.info(None, deadline).await {
        Err(e) if e.is_stream_missing() && missing == Missing::Create => {
            create(api, wanted, deadline).await?
        }
        info => info?,
    };
    if let Some(wanted) = api.required_domain()
        && info.domain.as_deref() != Some(wanted)
    {
        return Err(OpenError::WrongDomain { wanted: wanted.to_owned(), found: info.domain });
    }
    api.expect_domain(info.domain.clone());
    Ok(info)
}

async fn create(api: &StreamApi, wanted: &Config, deadline: Instant) -> Result<StreamInfo, CallError> {
    let mut body = serde_json::to_value(wanted).map_err(|e| CallError::Garbled(e.into()))?;
    if !api.client().is_server_compatible(2, 12, 0) {
        // An older server refuses what it does not know.
        if let Some(settings) = body.as_object_mut() {
            settings.remove("allow_atomic");
        }
    }
    match api.call_until::<serde_json::Value>("STREAM.CREATE", &body, deadline).await {
        // Another process was faster, or an earlier attempt was: what exists is looked at as it is.
        Err(e) if !e.is_name_in_use() => Err(e),
        // The answer to creating does not name the domain.
        _ => api.info(None, deadline).await,
    }
}

/// One setting of a stream that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The setting.
    pub setting: &'static str,
    /// The value that it should have.
    pub wanted: String,
    /// The value that the server reports.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.setting, self.found, self.wanted)
    }
}

/// Returns the settings in which two streams differ, of those named in `settings`, in that order.
#[must_use]
pub fn differences(wanted: &Config, found: &Config, settings: &[&'static str]) -> Vec<Difference> {
    let differs = |setting: &&'static str| {
        let (wanted, found) = (value(wanted, setting), value(found, setting));
        (wanted != found).then_some(Difference { setting, wanted, found })
    };
    settings.iter().filter_map(differs).collect()
}

/// The value of a setting, as text. A setting that is unknown here is the same in all streams.
fn value(config: &Config, setting: &str) -> String {
    if let Some(key) = setting.strip_prefix("metadata ") {
        return format!("{:?}", config.metadata.get(key));
    }
    match setting {
        "subjects" => format!("{:?}", config.subjects),
        "retention policy" => format!("{:?}", config.retention),
        "discard policy" => format!("{:?}", config.discard),
        "deny_delete" => config.deny_delete.to_string(),
        "deny_purge" => config.deny_purge.to_string(),
        "allow_rollup_hdrs" => config.allow_rollup.to_string(),
        "max_msgs_per_subject" => config.max_messages_per_subject.to_string(),
        "no_ack" => config.no_ack.to_string(),
        "sealed" => config.sealed.to_string(),
        "republish" => config.republish.is_some().to_string(),
        "subject_transform" => config.subject_transform.is_some().to_string(),
        "mirror" => config.mirror.is_some().to_string(),
        "sources" => config.sources.as_ref().is_some_and(|sources| !sources.is_empty()).to_string(),
        "asynchronous persist_mode" => {
            matches!(config.persist_mode, Some(PersistenceMode::Async)).to_string()
        }
        "allow_msg_ttl" => config.allow_message_ttl.to_string(),
        "allow_msg_schedules" => config.allow_message_schedules.to_string(),
        "num_replicas" => config.num_replicas.to_string(),
        "storage" => format!("{:?}", config.storage),
        "max_age" => format!("{:?}", config.max_age),
        "max_bytes" => limit(config.max_bytes),
        "max_msgs" => limit(config.max_messages),
        "max_msg_size" => limit(config.max_message_size.into()),
        "allow_direct" => config.allow_direct.to_string(),
        "allow_atomic" => config.allow_atomic_publish.to_string(),
        _ => String::new(),
    }
}

/// The text of a limit: 0 and below are none.
fn limit(limit: i64) -> String {
    if limit > 0 { limit.to_string() } else { "unlimited".to_owned() }
}
