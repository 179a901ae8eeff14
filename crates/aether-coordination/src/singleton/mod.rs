//! Something that one process at most does at a time, such as sending the invoices of a night.
//!
//! Actors need none of this: their truth is their log's, and rests on no clock. A singleton is for work that has no log to
//! refuse it. Candidates join under a name, one of them holds it, and when that one goes, another follows.
//!
//! ```no_run
//! # #[cfg(feature = "nats")]
//! # async fn example(shutdown: impl Future<Output = ()>) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use aether_coordination::singleton::Singleton;
//! use aether_coordination::{NatsConfig, NatsCoordination};
//!
//! let client = async_nats::connect("nats://localhost:4222").await?;
//! let coordination = NatsCoordination::create(client, NatsConfig::new("cluster").replicas(3)).await?;
//! let singleton = Singleton::builder(Arc::new(coordination), "invoices").candidate("node-1").join().await?;
//! let work = singleton.run(async |term| loop {
//!     // What is written elsewhere carries `term.epoch()`, and a lower one than the last is refused there.
//!     tokio::time::sleep(Duration::from_secs(1)).await;
//!     println!("at work in epoch {}", term.epoch());
//! });
//! tokio::select! {
//!     stopped = work => stopped?,
//!     () = shutdown => {}
//! }
//! singleton.leave().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//! With the default times:
//! - **No two hold it at once**, wherever the clocks of their machines stand and though they run fast or slow by up to a
//!   tenth, while the wall clocks of the NATS servers agree within 2.5 s. The servers keep a holder's key for 17 s from the last
//!   renewal. The holder stops 13 s after it has *sent* the last one that was acknowledged; a clock that runs slow by a tenth
//!   makes 14.5 s of it; the servers' clocks have the rest (`ttl − stop_after / 0.9`).
//! - **A healthy holder keeps it** while a bucket of three replicas loses a server, also the one that leads it: that holds up
//!   renewals, every 2 s otherwise, for 4 to 9 s, and up to two attempts (`NatsConfig::attempt`)
//!   more.
//! - **The next one follows** at once when the holder [leaves](Singleton::leave), and within 19 s when it dies: the time to live
//!   and the 2 s within which each candidate looks. While the servers take no writes, nobody follows.
//! - **Epochs grow**: each take-over has a higher one than all before it. The epoch is the revision of that write.
//!
//! # What is not
//! - **A process that is suspended** (a virtual machine that is moved, a laptop that sleeps) may believe in its term when it
//!   wakes up, since its clock has stood still. One that is stopped and goes on, or does not come to an `.await`, learns that
//!   its term is over when it next looks, and may be in the middle of something. Both are fenced by the epoch only: hand
//!   [`Term::epoch`] to what you write to, and have it refuse a lower one than it has seen.
//! - **Wall clocks of servers that are further apart**, or are set while they run, end a holder's key early. Keep them by NTP.
//! - **A bucket that is deleted**, restored or made anew, or a key that somebody deletes by hand, is a singleton that was never
//!   held. A key that somebody writes by hand, without a time to live, is held for good, until it is deleted.
//! - **That what was begun is finished.** Whoever follows must be able to go on from anywhere.
//!
//! What is in doubt (a renewal that was sent and not answered) counts neither as done nor as failed: it is sent again, and
//! only its acknowledgement counts. A read decides nothing; it only says where the next compare-and-set begins.

mod builder;
mod driver;
mod election;
mod error;
mod handle;
#[cfg(test)]
mod simulation;
mod term;
mod timing;

pub use builder::SingletonBuilder;
pub use error::SingletonError;
pub use handle::Singleton;
pub use term::Term;
