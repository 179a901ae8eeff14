//! Nodes that speak different versions, and what is left behind.
