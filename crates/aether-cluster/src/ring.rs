//! [`ConsistentHashRing`].
/// To come.
#[derive(Debug)]
pub struct ConsistentHashRing;
