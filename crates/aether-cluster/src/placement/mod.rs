//! Where shards should be.
