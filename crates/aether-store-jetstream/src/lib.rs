//! aether-store-jetstream
