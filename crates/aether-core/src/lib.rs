//! aether-core
