//! Opening a store, and creating its streams.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{Source, Unsupported};
use async_nats::Client;
use async_nats::jetstream::stream::Config;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::api::{Api, CallError, STREAM_NOT_FOUND, parse_time};
use crate::backoff::Backoff;
use crate::config::{InvalidConfig, JetStreamConfig};
use crate::contract::{self, Difference, Holds, Owner};
use crate::requests::{NoAnswer, Requests};

/// JetStream is not enabled, for the server or the account.
const NOT_ENABLED: [u32; 2] = [10039, 10076];
/// A stream of this name exists, with another configuration.
const STREAM_NAME_IN_USE: u32 = 10058;

/// Why a store could not be opened or created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration can be nobody's.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The stream does not exist.
    #[error(
        "stream {stream} does not exist; create it with JetStreamEventStore::create, which needs the right to create streams"
    )]
    NotFound {
        /// The name of the stream.
        stream: String,
    },
    /// The stream belongs to another namespace whose name sanitises to the same, or to nobody of Aether's.
    #[error("stream {stream} is not the {wanted}: it {}", match found {
        Some(owner) => format!("is the {owner}"),
        None => "was not made by Aether".to_owned(),
    })]
    ForeignStream {
        /// The name of the stream.
        stream: String,
        /// Who wants to open it.
        wanted: Owner,
        /// Whose it is.
        found: Option<Owner>,
    },
    /// The stream cannot keep the contract.
    #[error("stream {stream} breaks the contract of an event store: {}", join(differences))]
    Contract {
        /// The name of the stream.
        stream: String,
        /// What is not as it should be.
        differences: Vec<Difference>,
    },
    /// The server is too old, or lacks something.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// What was not allowed, in the server's words.
        operation: String,
    },
    /// The server refused to create the stream.
    #[error("the server refused to create stream {stream}")]
    Refused {
        /// The name of the stream.
        stream: String,
        /// The server's reason.
        #[source]
        source: Source,
    },
    /// The server could not be asked.
    #[error(
        "the server is unavailable; if it runs, the credentials may lack a permission, which is told when a store is opened with `denials`"
    )]
    Unavailable(#[source] Source),
}

fn join(differences: &[Difference]) -> String {
    let texts: Vec<_> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// A stream as it was found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) api: Api,
    pub(crate) config: Config,
    pub(crate) created: OffsetDateTime,
}

/// What the server says about a stream.
#[derive(Debug, Deserialize)]
struct StreamInfo {
    config: Config,
    created: String,
}

/// Whether the streams are to be created where they are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// Checks the configuration and the server, and prepares to ask it.
pub(crate) async fn connect(client: Client, config: &JetStreamConfig) -> Result<Arc<Requests>, OpenError> {
    config.validate()?;
    check_server(&client, Instant::now() + config.timeouts.read).await?;
    let requests = Requests::new(client, config.denials.clone()).await;
    requests.map(Arc::new).map_err(|e| OpenError::Unavailable(e.into()))
}

/// Opens the stream of `holds`.
pub(crate) async fn open(
    requests: Arc<Requests>,
    config: &JetStreamConfig,
    holds: Holds,
    missing: Missing,
) -> Result<Opened, OpenError> {
    let name = holds.stream_name(config);
    let deadline = Instant::now() + config.timeouts.read;
    let api = Api::new(requests, name.clone(), config.timeouts.attempt);
    let wanted = contract::wanted(config, holds);
    let info = match info(&api, deadline).await {
        Err(OpenError::NotFound { .. }) if missing == Missing::Create => {
            create(&api, &wanted, deadline).await?
        }
        info => info?,
    };
    let found = &info.config;
    let (owner, foreign) = (Owner::of(config), Owner::from_stream(found));
    if foreign.as_ref() != Some(&owner) {
        return Err(OpenError::ForeignStream { stream: name, wanted: owner, found: foreign });
    }
    let (breaks, capacity) = contract::compare(&wanted, found, holds);
    if !breaks.is_empty() {
        return Err(OpenError::Contract { stream: name, differences: breaks });
    }
    for difference in capacity {
        tracing::warn!(stream = name, %difference, "the stream differs from the configuration");
    }
    let created = parse_time(&info.created).map_err(|e| OpenError::Unavailable(e.into()))?;
    Ok(Opened { api, config: info.config, created })
}

/// Waits for the connection, which may come about only now, and looks at who is there.
async fn check_server(client: &Client, deadline: Instant) -> Result<(), OpenError> {
    let mut backoff = Backoff::until(deadline);
    while client.try_server_info().is_none() {
        if !backoff.wait().await {
            return Err(OpenError::Unavailable("the client has not been connected yet".into()));
        }
    }
    if client.is_server_compatible(2, 11, 0) {
        return Ok(());
    }
    let feature = "an event store (its barriers are messages with a time to live)";
    Err(Unsupported::new(feature, "nats-server 2.11 or newer").into())
}

async fn info(api: &Api, deadline: Instant) -> Result<StreamInfo, OpenError> {
    let operation = format!("STREAM.INFO.{}", api.stream());
    let info = api.call_until(&operation, &serde_json::Value::Null, deadline).await;
    info.map_err(|e| open_error(e, api.stream()))
}

async fn create(api: &Api, wanted: &Config, deadline: Instant) -> Result<StreamInfo, OpenError> {
    let operation = format!("STREAM.CREATE.{}", api.stream());
    let mut body = serde_json::to_value(wanted).map_err(|e| OpenError::Unavailable(e.into()))?;
    if !api.requests().client().is_server_compatible(2, 12, 0) {
        // An older server refuses what it does not know.
        if let Some(settings) = body.as_object_mut() {
            settings.remove("allow_atomic");
        }
    }
    match api.call_until::<StreamInfo>(&operation, &body, deadline).await {
        // Somebody else was faster, or an earlier attempt was: what is there is looked at as it is.
        Err(CallError::Refused(error)) if error.err_code == STREAM_NAME_IN_USE => info(api, deadline).await,
        created => created.map_err(|e| open_error(e, api.stream())),
    }
}

fn open_error(error: CallError, stream: &str) -> OpenError {
    match error {
        CallError::NoAnswer(NoAnswer::Denied(operation)) => OpenError::PermissionDenied { operation },
        CallError::Refused(error) if error.err_code == STREAM_NOT_FOUND => {
            OpenError::NotFound { stream: stream.to_owned() }
        }
        CallError::Refused(error) if NOT_ENABLED.contains(&error.err_code) => {
            Unsupported::new("an event store", "a server and an account with JetStream enabled").into()
        }
        CallError::Refused(error) => OpenError::Refused { stream: stream.to_owned(), source: error.into() },
        CallError::NoAnswer(NoAnswer::NoResponders { .. }) => {
            Unsupported::new("an event store", "a server with JetStream enabled, and a leader of its cluster")
                .into()
        }
        other => OpenError::Unavailable(other.into()),
    }
}

/// The first sequence that the stream still has, and the last, as its leader says.
pub(crate) async fn bounds(api: &Api, deadline: Instant) -> Result<(u64, u64), CallError> {
    #[derive(Deserialize)]
    struct Info {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        first_seq: u64,
        last_seq: u64,
    }
    let operation = format!("STREAM.INFO.{}", api.stream());
    let info: Info = api.call_until(&operation, &serde_json::Value::Null, deadline).await?;
    Ok((info.state.first_seq, info.state.last_seq))
}

/// Makes sure that the stream is still the one that was made then.
pub(crate) async fn check_created(
    api: &Api,
    created: OffsetDateTime,
    deadline: Instant,
) -> Result<(), CallError> {
    let operation = format!("STREAM.INFO.{}", api.stream());
    let info: StreamInfo = api.call_until(&operation, &serde_json::Value::Null, deadline).await?;
    if parse_time(&info.created)? == created { Ok(()) } else { Err(CallError::Replaced) }
}

/// The subjects under `filter` that have messages.
pub(crate) async fn subjects(api: &Api, filter: &str, timeout: Duration) -> Result<Vec<String>, CallError> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        total: usize,
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        #[serde(default)]
        subjects: std::collections::HashMap<String, u64>,
    }
    let operation = format!("STREAM.INFO.{}", api.stream());
    let mut found = Vec::new();
    loop {
        let body = json!({ "subjects_filter": filter, "offset": found.len() });
        let page: Info = api.call_until(&operation, &body, Instant::now() + timeout).await?;
        let (before, total) = (found.len(), page.total);
        found.extend(page.state.subjects.into_keys());
        if found.len() == before || found.len() >= total {
            return Ok(found);
        }
    }
}
