//! The cluster: where shards are, what it costs to find out and to ask there, and what is noticed when they move.

mod failing;
mod load;
mod moving;
pub(crate) mod node;
mod placement;
mod remote;
mod stage;

use crate::Measure;

pub(crate) const MEASUREMENTS: &[(&str, Measure)] = &[
    ("placement", placement::plans),
    ("lookup", placement::lookups),
    ("remote-query", remote::queries),
    ("remote-command", remote::commands),
    ("scale", remote::scale),
    ("moves", moving::moves),
    ("rolling-restart", moving::rolling_restart),
    ("failover", failing::failover),
    ("leader-killed", failing::leader),
    ("server-killed", failing::server),
];
