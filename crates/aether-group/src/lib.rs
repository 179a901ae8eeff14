//! Consumer groups: several processes share one subscription, and each actor's events stay in order.
//!
//! Actors hash to a fixed number of partitions. Which member has which partition is decided by compare-and-set in a key
//! of the partition, with an [`Epoch`]; the same key holds the partition's checkpoint, so that the checkpoint of a member
//! that has lost the partition is refused. Who is alive is heard, not written, so an election of the servers, which holds
//! up writes for seconds, moves nothing.
//!
//! | to | there is |
//! |---|---|
//! | take part | [`ConsumerGroup::builder`], [`GroupBuilder::join`], [`Member`] |
//! | handle events | [`Handler`], [`each`], [`Batch`], [`HandleError`] |
//! | see how far it is | [`Member::progress`], [`Member::wait_for`], [`GroupAdmin::wait_for`] |
//! | deal with what failed | [`GroupAdmin::parked`], [`GroupAdmin::resume`], [`GroupAdmin::skip`] |
//!
//! A single process is a group with one member; it needs nothing but an in-memory coordination.

mod admin;
mod assignment;
mod batch;
mod builder;
mod driver;
mod each;
mod engine;
mod error;
mod handler;
mod letter;
mod member;
mod options;
mod partition;
mod progress;
mod record;
mod settings;
mod window;

pub use admin::{GroupAdmin, PartitionStatus};
pub use batch::{Batch, Claim, Handling};
pub use builder::{ConsumerGroup, GroupBuilder};
pub use each::{Each, because_of, each};
pub use error::{GroupError, LetterError};
pub use handler::{FailureKind, HandleError, Handler};
pub use letter::{Letter, Outcome, Parked, ParkedActor, Resumed};
pub use member::Member;
pub use options::{Order, ParkLimits, Retry};
pub use partition::{Epoch, Partition};
pub use progress::{MemberId, PartitionProgress, Progress};
