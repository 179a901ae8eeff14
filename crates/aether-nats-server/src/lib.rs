//! Real nats-servers for tests, and the means to break them.
//!
//! [`NatsServer`] runs one server, [`NatsCluster`] three; each can be killed, stopped, paused, resumed and restarted on
//! the same data and the same ports. [`Proxy`] stands between a client and a server and delays, drops or cuts what
//! passes, down to single publish acknowledgements. [`shared_r1`] and [`shared_r3`] are the servers that a whole test run
//! shares; [`unique_name`] keeps its tests apart.
//!
//! There is no async runtime here: everything is threads and processes, so that the harness cannot be starved by the code
//! under test. Unix only.
//!
//! # Which server
//!
//! [`NatsBinary::find`] looks at `AETHER_NATS_SERVER` (a path), at the PATH, into the tools directory (`target/tools`
//! of the workspace, or `AETHER_TOOLS_DIR`), and then fetches the pinned build, its hash checked. `AETHER_NATS_VERSION`
//! asks for another of the [pinned versions](pinned_versions), for every server that does not name its own.
//!
//! # Nothing is left behind
//!
//! Every server runs under a watchdog shell that holds the other end of a pipe to this process. However this process
//! ends (return, panic, Ctrl-C, `kill -9`), the pipe closes, and the watchdog kills the server, also a paused one, and
//! removes its directory.
//!
//! # Examples
//!
//! ```no_run
//! use aether_nats_server::NatsServer;
//!
//! # fn main() -> Result<(), aether_nats_server::ServerError> {
//! let server = NatsServer::builder().sync_always(true).start()?;
//! let url = server.url(); // the same after a restart
//! server.kill()?;
//! server.restart()?;
//! assert_eq!(server.url(), url);
//! # Ok(())
//! # }
//! ```

mod binary;
mod builder;
mod cluster;
mod error;
mod fetch;
mod monitor;
mod node;
mod ports;
mod process;
mod proxy;
mod shared;
mod wait;
mod wheel;

pub use binary::{NatsBinary, default_version};
pub use builder::ServerBuilder;
pub use cluster::NatsCluster;
pub use error::ServerError;
pub use fetch::{LOWEST_SUPPORTED, PINNED, pinned_versions};
pub use node::NatsServer;
pub use proxy::{Frame, Proxy, ProxyStats, PublishAck, Verdict};
pub use shared::{ENV_R1, ENV_R3, shared_r1, shared_r3, unique_name};
pub use wheel::{Wheel, WheelError, tools_dir};
