//! aether-store-memory
