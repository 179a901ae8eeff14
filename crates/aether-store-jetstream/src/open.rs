//! Opening a store, and creating its streams.

use std::sync::Arc;
use std::time::Duration;

use aether_core::{Source, Unsupported};
use aether_nats::{CallError, Inbox, Missing, NoAnswer, StreamApi, parse_time, wait_until_connected};
use async_nats::Client;
use async_nats::jetstream::stream::Config;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::config::{InvalidConfig, JetStreamConfig};
use crate::contract::{Contract, Difference, Owner};

/// The reasons why a store could not be opened or created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration is invalid.
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
    /// The stream belongs to another namespace whose name sanitises to the same, or Aether did not create it.
    #[error("stream {stream} is not the {wanted}: it {}", match found {
        Some(owner) => format!("is the {owner}"),
        None => "was not made by Aether".to_owned(),
    })]
    ForeignStream {
        /// The name of the stream.
        stream: String,
        /// The owner that it was opened for.
        wanted: Owner,
        /// The owner that it has; none if Aether did not create it.
        found: Option<Owner>,
    },
    /// The stream cannot keep the contract.
    #[error("stream {stream} breaks the contract of an event store: {}", join(differences))]
    Contract {
        /// The name of the stream.
        stream: String,
        /// The settings that differ.
        differences: Vec<Difference>,
    },
    /// The server is too old, or lacks something.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The credentials do not allow it.
    #[error("permission denied: {operation}")]
    PermissionDenied {
        /// The denied operation, in the server's words.
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
    pub(crate) api: StreamApi,
    pub(crate) config: Config,
    pub(crate) created: OffsetDateTime,
}

/// Checks the configuration and the server, and prepares to ask it.
pub(crate) async fn connect(client: Client, config: &JetStreamConfig) -> Result<Arc<Inbox>, OpenError> {
    config.validate()?;
    check_server(&client, Instant::now() + config.timeouts.read).await?;
    let inbox = Inbox::new(client, config.denials.clone()).await;
    inbox.map(Arc::new).map_err(|e| OpenError::Unavailable(e.into()))
}

/// Opens a stream of the store.
pub(crate) async fn open(
    inbox: Arc<Inbox>,
    config: &JetStreamConfig,
    contract: &Contract,
    missing: Missing,
) -> Result<Opened, OpenError> {
    let (wanted, deadline) = (&contract.wanted, Instant::now() + config.timeouts.read);
    let name = &wanted.name;
    let mut api = StreamApi::new(inbox, config.api.clone(), name.clone(), config.timeouts.attempt);
    let info = aether_nats::open(&mut api, wanted, missing, deadline).await;
    let info = info.map_err(|e| open_error(e, name, contract.feature))?;
    let (owner, foreign) = (Owner::of(config), Owner::from_stream(&info.config));
    if foreign.as_ref() != Some(&owner) {
        return Err(OpenError::ForeignStream { stream: name.clone(), wanted: owner, found: foreign });
    }
    let breaks = contract.breaks(&info.config);
    if !breaks.is_empty() {
        return Err(OpenError::Contract { stream: name.clone(), differences: breaks });
    }
    for difference in contract.capacity(&info.config) {
        tracing::warn!(stream = name, %difference, "the stream differs from the configuration");
    }
    let created = parse_time(&info.created).map_err(|e| OpenError::Unavailable(e.into()))?;
    Ok(Opened { api, config: info.config, created })
}

/// Waits for the connection, and looks at the server's version.
async fn check_server(client: &Client, deadline: Instant) -> Result<(), OpenError> {
    if !wait_until_connected(client, deadline).await {
        return Err(OpenError::Unavailable("the client has not been connected yet".into()));
    }
    if client.is_server_compatible(2, 11, 0) {
        return Ok(());
    }
    let feature = "an event store (its barriers are messages with a time to live)";
    Err(Unsupported::new(feature, "nats-server 2.11 or newer").into())
}

fn open_error(error: aether_nats::OpenError, stream: &str, feature: &'static str) -> OpenError {
    match error {
        aether_nats::OpenError::Call(CallError::NoAnswer(NoAnswer::Denied(operation))) => {
            OpenError::PermissionDenied { operation }
        }
        aether_nats::OpenError::Call(e) if e.is_stream_missing() => {
            OpenError::NotFound { stream: stream.to_owned() }
        }
        aether_nats::OpenError::Call(e) if e.is_not_enabled() => {
            Unsupported::new(feature, "a server and an account with JetStream enabled").into()
        }
        aether_nats::OpenError::Call(CallError::NoAnswer(NoAnswer::NoResponders { .. })) => {
            Unsupported::new(feature, "a server with JetStream enabled, and a leader of its cluster").into()
        }
        aether_nats::OpenError::Call(CallError::Refused(error)) => {
            OpenError::Refused { stream: stream.to_owned(), source: error.into() }
        }
        other => OpenError::Unavailable(other.into()),
    }
}

/// Returns the first sequence that the stream still has, and the last, as its leader says.
pub(crate) async fn bounds(api: &StreamApi, deadline: Instant) -> Result<(u64, u64), CallError> {
    let state = api.info(None, deadline).await?.state;
    Ok((state.first_seq, state.last_seq))
}

/// Checks that the stream is still the one that was created then.
pub(crate) async fn check_created(
    api: &StreamApi,
    created: OffsetDateTime,
    deadline: Instant,
) -> Result<(), CallError> {
    let info = api.info(None, deadline).await?;
    if parse_time(&info.created)? == created { Ok(()) } else { Err(CallError::Replaced) }
}

/// Returns the subjects under `filter` that have messages.
pub(crate) async fn subjects(
    api: &StreamApi,
    filter: &str,
    timeout: Duration,
) -> Result<Vec<String>, CallError> {
    let mut found = Vec::new();
    loop {
        let page = api.info(Some((filter, found.len())), Instant::now() + timeout).await?;
        let before = found.len();
        found.extend(page.state.subjects.into_keys());
        if found.len() == before || found.len() >= page.total {
            return Ok(found);
        }
    }
}
