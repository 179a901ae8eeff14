//! Internal to Aether: no promise about its API.
//!
//! Everything of Aether that talks to NATS shares one way to ask and be answered ([`Inbox`]), one client of the JetStream
//! API ([`StreamApi`]), one back-off ([`Backoff`]), one way to describe, open and compare streams ([`open`],
//! [`differences`]), one place for names ([`stream_name`], [`bucket_name`]) and one for permission denials ([`Denials`]).
//! It knows nothing of events, keys or actors.

mod error;
mod inbox;
mod jetstream_api;
mod message;
mod names;
mod stream_spec;

pub use error::{ApiError, CallError, Denials, NoAnswer};
pub use inbox::{Call, Event, Inbox, Request};
pub use jetstream_api::{Backoff, StreamApi, StreamInfo, StreamState};
pub use message::{Delivery, StreamMessage, nanos, parse_time};
pub use names::{ApiPrefix, InvalidApiPrefix, bucket_name, stream_name};
pub use stream_spec::{Difference, Missing, OpenError, differences, open, wait_until_connected};
