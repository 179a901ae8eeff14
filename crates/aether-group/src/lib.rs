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
mod builder;
mod driver;
mod engine;
mod error;
mod handler;
mod letter;
mod member;
mod options;
mod record;
mod window;

pub use admin::{GroupAdmin, PartitionStatus};
pub use assignment::{Epoch, Partition};
pub use builder::{ConsumerGroup, GroupBuilder};
pub use error::{GroupError, LetterError};
pub use handler::{Batch, Claim, Each, FailureKind, HandleError, Handler, Handling, because_of, each};
pub use letter::{Letter, Outcome, Parked, ParkedActor, Resumed};
pub use member::{Member, MemberId, PartitionProgress, Progress};
pub use options::{Order, ParkLimits, Retry};
