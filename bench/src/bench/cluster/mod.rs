//! The cluster: where shards are, and what it costs to find out.

mod placement;

use crate::Measure;

pub(crate) const MEASUREMENTS: &[(&str, Measure)] =
    &[("placement", placement::plans), ("lookup", placement::lookups)];
