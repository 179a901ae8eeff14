//! A new version of a projection, built beside the running one: reads go over to it without a pause.
//!
//! The new version runs as a group of its own, from the first event on, into views of its own, while the running one goes
//! on and is read. When the new one has come as far as the running one, readers go over to it at once; then the old views
//! are removed. Nobody ever reads a view that is half built, and no read fails.
//!
//! In memory that is [`MemoryVersions`]: there no read goes back behind what another one has seen. In keys, where several
//! processes take part, [`KvVersions`] releases versions and [`KvViews`] reads the current one; the new version then has all
//! that was saved a moment before, in which the old one may have gone on.

mod current;
mod kv;
mod memory;

pub(crate) use current::Current;
pub use kv::{KvVersions, KvViews};
pub use memory::MemoryVersions;
